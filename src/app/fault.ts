import type { Distrust } from "../domain/distrust.js";

/** Why no decision was made, by the names of gRPC's status codes. */
export type FaultCode =
  | "invalid_argument"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "unauthenticated"
  | "unavailable";

/** A call that cannot be answered: an expected outcome, so a value. */
export interface Fault {
  readonly kind: "fault";
  readonly code: FaultCode;
  /** For the caller: what is wrong, where, and what to do. */
  readonly message: string;
  /** Where it is for who calls that there is no answer. */
  readonly why?: Distrust;
}

/** Say that a call cannot be answered, for what it asks. */
export function fault(code: Exclude<FaultCode, "unauthenticated" | "permission_denied">, message: string): Fault {
  return { kind: "fault", code, message };
}

/**
 * Say that a call cannot be answered, for who makes it.
 *
 * @param message of `unauthenticated` goes to the log too: it holds nothing of what was shown but a key's id.
 */
export function distrusted(code: FaultCode, why: Distrust, message: string): Fault {
  return { kind: "fault", code, message, why };
}

/** Say that a field of a message is at fault. */
export function badField(field: string, problem: string): Fault {
  return fault("invalid_argument", `${field}: ${problem}`);
}
