import type { Decided, Released, Settled } from "../../app/decision-log.js";
import type { EpochMs, Millis } from "../../domain/units.js";

/** What the decision log keeps until it is written: facts as they were told, not text yet. */
export type Entry = DecisionEntry | SettlementEntry | ReleaseEntry;

export interface DecisionEntry extends Stamped {
  readonly kind: "decision";
  readonly facts: Decided;
}

export interface SettlementEntry extends Stamped {
  readonly kind: "settlement";
  readonly facts: Settled;
}

export interface ReleaseEntry extends Stamped {
  readonly kind: "release";
  readonly facts: Released;
}

interface Stamped {
  readonly at: EpochMs;
  /** Since its message was there; undefined where nobody took the time. */
  readonly tookMs: Millis | undefined;
}
