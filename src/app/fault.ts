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
}

/** Say that a call cannot be answered. */
export function fault(code: FaultCode, message: string): Fault {
  return { kind: "fault", code, message };
}

/** Say that a field of a message is at fault. */
export function badField(field: string, problem: string): Fault {
  return fault("invalid_argument", `${field}: ${problem}`);
}
