import type { MaybePromise } from "../app/ports.js";
import type { Metric } from "../domain/limit.js";

/** What metrics read at a scrape, and no decision waits for. */
export interface MetricsSource {
  /** undefined: no policy is in force yet. */
  policy(): PolicyFacts | undefined;

  /** Since the built-in prices were last held against Mistral's. */
  catalogueAgeDays(): number;

  /** undefined: the store does not answer. */
  stats(): MaybePromise<StoreStats | undefined>;

  /**
   * Use against ceiling of the organization's, the workspaces' and the shared roles' limits that need a counter, each
   * once. Not of principals': there is no bound to their number. undefined: the store does not answer.
   */
  limits(): MaybePromise<readonly LimitUse[] | undefined>;
}

export interface PolicyFacts {
  readonly revision: string;
  /** The file has changed and is at fault: an earlier policy is in force. */
  readonly stale: boolean;
  /** Changed files since the start: swapped in, and refused for their faults or unreadable. */
  readonly reloads: { readonly ok: number; readonly failed: number };
}

/** What a store knows of itself; undefined where it does not keep that number. */
export interface StoreStats {
  readonly open: number | undefined;
  /** Since the start; never goes back. */
  readonly expired: number | undefined;
  /** Reservations and unreserved usage that are open or still remembered. */
  readonly remembered: number | undefined;
  readonly counters: number | undefined;
}

/** A limit's state; amounts in the metric's unit, nano-USD for `usd`. */
export interface LimitUse {
  readonly name: string;
  readonly scopeId: string;
  readonly metric: Metric;
  readonly ceiling: number;
  readonly used: number;
  readonly reserved: number;
}
