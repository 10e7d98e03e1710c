import type { LimitReport } from "../app/limit-report.js";
import type { Away, MaybePromise, Page, ReleaseResult, ReservationPage } from "../app/ports.js";
import type { KeysSeen } from "../app/read-key-uses.js";
import type { TotalsAsked, TotalsRead } from "../app/read-totals.js";
import type { Address } from "./address.js";

/** What the admin port shows and does. */
export interface AdminSource {
  ready(): Readiness;

  /** Limits that need a counter, a page at a time, in an order that stays. */
  limits(page: Page): MaybePromise<LimitsPage | Away | BadCursor>;

  /** Open reservations, as the store pages them. */
  reservations(page: Page): MaybePromise<ReservationPage | Away>;

  /** What was used on some days, summed up. */
  totals(asked: TotalsAsked): MaybePromise<TotalsRead | Away>;

  /** When keys were used last. */
  keys(): MaybePromise<KeysSeen | Away>;

  /** Give back all that a reservation holds. */
  release(reservationId: string): MaybePromise<ReleaseResult>;
}

/** The `after` is none that a page gave. */
export interface BadCursor {
  readonly kind: "bad_cursor";
}

/** How the service stands, told without asking the store. */
export interface Readiness {
  /** undefined: none is in force yet. */
  readonly policy: { readonly revision: string; readonly stale: boolean } | undefined;
  /** Why the policy is missing or stale, for a person. */
  readonly faults: readonly string[];
  readonly store: "up" | "down";
  readonly draining: boolean;
  readonly listeners: readonly ListenerState[];
}

export interface ListenerState {
  readonly address: Address;
  readonly accepting: boolean;
}

export interface LimitsPage {
  readonly policyRevision: string;
  readonly limits: readonly LimitRow[];
  /** Where the next page starts: the `after` to ask it by. undefined: this is the last one. */
  readonly next: string | undefined;
}

/** One limit of one scope as it stands. */
export interface LimitRow extends LimitReport {
  /** Empty where the limit is not one workspace's. */
  readonly workspace: string;
  /** Empty where the limit is not one principal's. */
  readonly principal: string;
}
