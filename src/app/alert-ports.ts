import type { AlertTarget } from "../domain/alert.js";
import type { Occasion } from "../domain/alert-due.js";
import type { EpochMs, Millis } from "../domain/units.js";
import type { ListedLimit } from "./list-limits.js";
import type { Away, MaybePromise } from "./ports.js";

/**
 * Remembers what was told, for all replicas that share the counters.
 *
 * A mark is taken before anybody is told and kept once they were, so that whoever dies in between leaves one that ends by
 * itself, and another tells it.
 */
export interface AlertMarks {
  /** Whether this replica is the one that looks, from now on for a while. */
  lead(forMs: Millis): MaybePromise<boolean | Away>;

  /** Take a mark for a while; false: it is taken, or kept. */
  take(id: string, forMs: Millis): MaybePromise<boolean | Away>;

  /** Hold on to a mark that was taken; false: it has ended meanwhile. */
  keep(id: string, forMs: Millis): MaybePromise<boolean | Away>;
}

/** What somebody is told. */
export interface AlertNotice {
  readonly target: AlertTarget;
  readonly occasion: Occasion;
  readonly limit: ListedLimit;
  readonly organization: string;
  readonly policyRevision: string;
  readonly now: EpochMs;
}

/** Tells somebody. */
export interface Notifier {
  /** @returns why it could not be told, for the operator, without the target's URL; undefined: it was. Never throws. */
  notify(notice: AlertNotice): Promise<string | undefined>;
}

/** Is told what came of alerts. */
export interface AlertLog {
  told(notice: AlertNotice): void;
  failed(notice: AlertNotice, why: string): void;
}
