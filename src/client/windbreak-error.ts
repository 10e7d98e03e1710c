import type { Fault } from "./connection.js";

/** No answer could be had of Windbreak: do not call Mistral, unless you chose to fail open. */
export class WindbreakError extends Error {
  /** A gRPC status: `UNAVAILABLE`. */
  readonly code: Fault["code"];
  /** It is away, too slow, or failed; else it is the question that is at fault. */
  readonly isAway: boolean;

  constructor({ code, message, isAway }: Fault) {
    super(`${code}: ${message}`);
    this.name = "WindbreakError";
    this.code = code;
    this.isAway = isAway;
  }
}
