import type { DecisionLog } from "./decision-log.js";
import type { Identity } from "./identity-ports.js";
import type { PendingUsage } from "./pending-usage.js";
import type { Clock, CounterStore } from "./ports.js";
import type { Snapshot } from "./snapshot.js";

/** What the use cases work with. */
export interface Desk {
  readonly identity: Identity;
  readonly store: CounterStore;
  readonly clock: Clock;
  readonly log: DecisionLog;
  /** Keeps the reports of usage that the store could not take; left out where nobody reports. */
  readonly pending?: PendingUsage;
  /** The snapshot in force. A use case asks once and keeps to it. */
  readonly snapshot: () => Snapshot;
  /** Makes an id that nobody can guess, for a call that reserves nothing. */
  readonly inventId: () => string;
}
