import type { Fault } from "./connection.js";

/** No answer could be had of Windbreak: do not call Mistral, unless you chose to fail open. */
export class WindbreakError extends Error {
  /** A gRPC status: `UNAVAILABLE`. */
  readonly code: Fault["code"];
  /** It is absent or too slow: what you may choose to fail open for. */
  readonly isAway: boolean;

  constructor({ code, message, isAway }: Fault) {
    super(`${code}: ${message}`);
    this.name = "WindbreakError";
    this.code = code;
    this.isAway = isAway;
  }
}
