import type { Caller } from "../domain/caller.js";
import type { Amounts } from "../domain/charges.js";
import type { AccessRequest } from "../domain/evaluate.js";
import type { OpenPlan, Plan } from "../domain/plan.js";
import type { Policy } from "../domain/policy.js";
import type { Outcome, Usage } from "../domain/settlement.js";
import type { EpochMs, NanoUsd, Tokens } from "../domain/units.js";
import type { Calendar } from "../domain/window.js";

/** A value that an adapter may have at once. A store in this process answers without a promise, which costs less. */
export type MaybePromise<T> = T | Promise<T>;

/** Tells the time. Never goes back. */
export interface Clock {
  now(): EpochMs;
}

/** Holds the policy in force. */
export interface PolicySource {
  current(): Policy;
}

/**
 * A caller as one store knows it: its counters found, ready to be used again and again.
 * Made by `open`, and good for the store that made it only.
 */
export interface Account {
  readonly caller: Caller;
}

/**
 * Keeps the counters and the open reservations.
 *
 * Every method is one atomic step: it changes all counters that it names, or none. Each is told the time and the calendar
 * in force; a store with a clock of its own asks that calendar again by its own time. Expiry needs no call: from its
 * `expiresAt` on, a reservation counts as its workspace's `unsettled` said when it was made.
 */
export interface CounterStore {
  open(caller: Caller): Account;

  /** Reserve the worst case in every counter, or say which ones refuse. A remembered request_id gets its first answer. */
  reserve(reserve: Reserve): MaybePromise<ReserveResult>;

  /** Replace what was reserved by what was used. */
  settle(settle: Settle): MaybePromise<SettleResult>;

  /** Charge usage that no reservation is known for, once for each key in ten minutes. */
  charge(charge: Charge): MaybePromise<ChargeResult>;

  /** Give all back. */
  release(release: Release): MaybePromise<ReleaseResult>;

  /** Read every counter of a caller, in the order of `caller.counters`. */
  read(account: Account, calendar: Calendar, now: EpochMs): MaybePromise<readonly Reading[] | Away>;

  /**
   * Keys of counters that principals have for their roles' limits and that count something, a page at a time. Each that
   * stays is on one page at the least.
   */
  counters(page: Page): MaybePromise<CounterPage | Away>;

  /** Open reservations, a page at a time. Each that stays open is on one page at the least. */
  reservations(page: Page, now: EpochMs): MaybePromise<ReservationPage | Away>;

  /** What was used on one day by each (workspace, principal, model), a page at a time. Each is on one page at the least. */
  totals(page: DayPage, now: EpochMs): MaybePromise<TotalPage | Away>;
}

/** The store did not answer. */
export interface Away {
  readonly kind: "away";
  readonly cause: unknown;
}

export interface Reserve {
  readonly account: Account;
  readonly plan: OpenPlan;
  readonly request: AccessRequest;
  /** Empty: the store makes one. */
  readonly requestId: string;
  readonly worst: Amounts;
  /** Per-request limits in shadow that would have refused; kept with the reservation. */
  readonly shadowDenials: readonly string[];
  readonly now: EpochMs;
  readonly calendar: Calendar;
  /** Decide only: reserve nothing, remember nothing, know nothing that is remembered. */
  readonly dryRun: boolean;
  /** Answer with a reading of every counter, also on admission. */
  readonly readAll: boolean;
}

/** What an admission is remembered by: a repeat of its request_id gets the same again. */
export interface Grant {
  readonly requestId: string;
  readonly reservationId: string;
  readonly expiresAt: EpochMs;
  readonly model: string;
  readonly outputTokens: Tokens;
  readonly cost: NanoUsd;
  readonly policyRevision: string;
  readonly shadowDenials: readonly string[];
}

export type ReserveResult =
  | { readonly kind: "admitted"; readonly grant: Grant; readonly readings: readonly Reading[] | undefined }
  | {
      readonly kind: "would_admit";
      readonly shadowDenials: readonly string[];
      readonly readings: readonly Reading[] | undefined;
    }
  | { readonly kind: "refused"; readonly shadowDenials: readonly string[]; readonly readings: readonly Reading[] }
  /** The request_id is remembered with other content, or its reservation is closed. */
  | { readonly kind: "conflict"; readonly message: string }
  | Away;

/** A counter as it stood. */
export interface Reading {
  readonly used: number;
  readonly reserved: number;
  /** undefined for what is in flight. */
  readonly resetsAt: EpochMs | undefined;
  /** Whether the charge asked for did not fit. */
  readonly refuses: boolean;
  /** Where it refuses: when the charge would fit by time alone; undefined: never. */
  readonly freesAt: EpochMs | undefined;
}

/** Which reservation is meant. */
export type ReservationName =
  | { readonly reservationId: string }
  | { readonly workspace: string; readonly principal: string; readonly requestId: string };

/** Who settles, as far as it is known; a part left out is not compared. */
export interface Claimant {
  readonly principal?: string | undefined;
  readonly role?: string | undefined;
  readonly workspace?: string | undefined;
}

export interface Settle {
  readonly name: ReservationName;
  /** Where a request_id names it: workspaces that may be meant besides, in turn, where it is not known in that one. */
  readonly otherWorkspaces?: readonly string[];
  readonly claimant: Claimant;
  readonly usage: Usage | undefined;
  readonly outcome: Outcome;
  readonly now: EpochMs;
  readonly calendar: Calendar;
}

export type SettleResult =
  | {
      readonly kind: "settled";
      readonly cost: NanoUsd;
      /** Changed nothing: it had been recorded, for a reservation or, as unreserved usage, by this very id. */
      readonly already: boolean;
      /** No open reservation stood behind it when it was recorded. */
      readonly unreserved: boolean;
      readonly caller: CallerName;
      readonly amounts: Amounts;
      readonly model: string;
    }
  | { readonly kind: "unknown" }
  /** Another principal's. */
  | { readonly kind: "foreign" }
  /** The usage costs more than can be counted. */
  | { readonly kind: "uncountable" }
  | Away;

/** Who a reservation belongs to, under whatever policy. */
export interface CallerName {
  readonly principal: string;
  readonly role: string;
  readonly workspace: string;
}

export interface Charge {
  readonly account: Account;
  readonly plan: Plan;
  readonly amounts: Amounts;
  /** The id that this usage is charged once for: a reservation's, or a request's of the account's caller. */
  readonly key: { readonly reservationId: string } | { readonly requestId: string };
  readonly now: EpochMs;
  readonly calendar: Calendar;
}

export type ChargeResult = { readonly kind: "charged"; readonly cost: NanoUsd; readonly already: boolean } | Away;

export interface Release {
  readonly reservationId: string;
  /**
   * Forget the request_id too, so that it is judged anew: its caller never saw the answer. A reservation
   * whose request_id came again stays as it is: whoever sent it again may have been told of it.
   */
  readonly forget: boolean;
  readonly now: EpochMs;
  readonly calendar: Calendar;
}

export type ReleaseResult = { readonly kind: "released" } | { readonly kind: "not_open" } | Away;

export interface Page {
  /** The `next` of the page before; empty: the first page. */
  readonly after: string;
  readonly limit: number;
}

export interface CounterPage {
  readonly keys: readonly string[];
  /** The `after` of the next page; undefined: this is the last. */
  readonly next: string | undefined;
}

export interface ReservationPage {
  /** About `limit`, and fewer or none on some pages: `next` alone says which is the last. */
  readonly reservations: readonly OpenReservation[];
  /** The `after` of the next page; undefined: this is the last. */
  readonly next: string | undefined;
}

export interface OpenReservation extends CallerName {
  readonly reservationId: string;
  readonly requestId: string;
  readonly model: string;
  readonly amounts: Amounts;
  readonly reservedAt: EpochMs;
  readonly expiresAt: EpochMs;
}

export interface DayPage extends Page {
  /** Its label: the local date in days since 1970. */
  readonly day: number;
}

export interface TotalPage {
  readonly totals: readonly Total[];
  /** The `after` of the next page; undefined: this is the last. */
  readonly next: string | undefined;
}

/**
 * What was used, limited or not: what was settled, in the window of its Authorize, and what an expiry charged.
 * Sums above 2^53-1 are told as that.
 */
export interface Total extends Amounts {
  readonly workspace: string;
  /** Empty: of all whom the day had no room for. */
  readonly principal: string;
  readonly model: string;
  readonly requests: number;
}

/**
 * The calls that are followed by a trace while a store works for them, in whatever form the trace knows them. A store that
 * asks one question for many calls tells by it for which.
 */
export interface FollowedCalls {
  /** The call that the store is asked for at this moment; undefined: it is not followed. Nobody may wait before asking. */
  current(): object | undefined;

  /** Send a command for calls: what the client tells of it while it is being handed over belongs to them. */
  sendFor<T>(calls: readonly object[], send: () => Promise<T>): Promise<T>;
}
