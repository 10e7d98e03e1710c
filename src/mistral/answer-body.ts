import type { Usage } from "../domain/settlement.js";

/** What the body of an answer told. */
export interface BodyFacts {
  /** Undefined where it is not known. */
  readonly usage: Usage | undefined;
  /** UTF-8 bytes of the output that a stream carried; 0 where the answer does not stream. */
  readonly outputBytes: number;
  /** It came to its end, by what it says itself. */
  readonly isWhole: boolean;
}

/** Takes the decoded bytes of a body, cut anywhere, and tells what they said. Neither call throws, whatever comes. */
export interface AnswerBody {
  write(bytes: Buffer): void;
  /** Called once, after the last write. */
  end(): BodyFacts;
}
