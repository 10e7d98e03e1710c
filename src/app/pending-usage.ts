import type { PrincipalName } from "./forms.js";
import type { RecordUsageCall } from "./usage-report.js";

/** A report of usage that the store could not take, and who made it. */
export interface PendingCall {
  readonly call: RecordUsageCall;
  readonly name: PrincipalName;
}

/** Keeps reports of usage while the store is away. Its callers are told to send them again; not all of them do. */
export interface PendingUsage {
  keep(pending: PendingCall): void;
}
