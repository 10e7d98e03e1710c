import type { Endpoint } from "../domain/model.js";
import type { Usage } from "../domain/settlement.js";
import { MAX_AMOUNT } from "../domain/units.js";
import type { AnswerBody } from "./answer-body.js";
import { BodyDecoder, codingOf } from "./body-decoder.js";
import { DocumentAnswer } from "./document-answer.js";
import { StreamedAnswer } from "./streamed-answer.js";

/** What an answer's head says of its body. */
export interface AnswerHead {
  readonly endpoint: Endpoint;
  /** The HTTP status. */
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** What a whole answer of Mistral says, or as much of one as came. */
export interface Answer {
  /** Undefined where it is not known. */
  readonly usage: Usage | undefined;
  /**
   * UTF-8 bytes of output that a stream carried, never fewer than there were: as many as can be counted where it could
   * not be read. 0 where the answer does not stream.
   */
  readonly outputBytes: number;
  readonly isStream: boolean;
  /** It came to its end, by what it says itself; by what its transport saw, where it was not to be read. */
  readonly isWhole: boolean;
}

/**
 * Reads Mistral's answer to one call as it passes, in bounded memory, and says what it used.
 *
 * The answer is never judged: what is malformed, broken off by an error of Mistral, or in an unknown coding leaves the
 * usage unknown. A status other than 2xx is not read, because such a call used nothing. Holds no timer; `close` must be
 * called.
 */
export class AnswerReader {
  readonly #isStream: boolean;
  readonly #isRead: boolean;
  readonly #body: AnswerBody;
  readonly #decoder: BodyDecoder;

  constructor({ endpoint, status, contentType, contentEncoding }: AnswerHead) {
    const coding = codingOf(contentEncoding);
    const isGood = status >= 200 && status < 300;
    this.#isStream = isGood && /^\s*text\/event-stream\s*(;|$)/i.test(contentType ?? "");
    this.#isRead = isGood && coding !== undefined;
    const body = this.#isStream ? new StreamedAnswer(endpoint) : new DocumentAnswer(endpoint);
    this.#body = body;
    this.#decoder = new BodyDecoder(coding ?? "identity", (bytes) => body.write(bytes));
  }

  /** Take the next bytes, cut anywhere. They must not be changed later. */
  write(chunk: Buffer): void {
    if (this.#isRead) this.#decoder.write(chunk);
  }

  /**
   * Say what was read. Called once; closes what was open.
   *
   * @param isWhole - whether the body came to its end, as far as its transport saw.
   */
  async end(isWhole: boolean): Promise<Answer> {
    const isStream = this.#isStream;
    if (this.#isRead && (await this.#decoder.end())) return { ...this.#body.end(), isStream };
    const outputBytes = isStream ? MAX_AMOUNT : 0;
    return { usage: undefined, outputBytes, isStream, isWhole: isWhole && !this.#isRead };
  }

  /** Give the answer up and free what reading it holds. Harmless when repeated, and after `end`. */
  close(): void {
    this.#decoder.close();
  }
}
