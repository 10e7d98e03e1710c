import { status } from "@grpc/grpc-js";
import type { Fault, FaultCode } from "../app/fault.js";

const STATUS: Readonly<Record<FaultCode, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  permission_denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  unavailable: status.UNAVAILABLE,
};

/** What a gRPC call ends with when no decision was made. */
export interface Status {
  readonly code: status;
  readonly details: string;
}

/** The status of an expected fault. */
export function statusOf({ code, message }: Fault): Status {
  return { code: STATUS[code], details: message };
}

/** The status of an unexpected one: its cause goes to the log only, since it may tell what callers must not know. */
export const INTERNAL: Status = { code: status.INTERNAL, details: "internal error" };

/** The status of a call whose deadline passed before it was looked at. */
export const TOO_LATE: Status = { code: status.DEADLINE_EXCEEDED, details: "the deadline passed before the decision" };

/** What gRPC calls the status of a call that was answered. */
export const OK = "OK";
/** And of one whose caller went away first. */
export const CANCELLED = "CANCELLED";

/** gRPC's name of a status. */
export function statusName({ code }: Status): string {
  return status[code];
}
