import type { LimitReport } from "../app/limit-report.js";
import type { Away, CallerName, MaybePromise } from "../app/ports.js";
import type { Budgets } from "../app/read-budgets.js";
import type { Reason } from "../domain/reason.js";
import type { EpochMs, Millis } from "../domain/units.js";

/** What the operations page shows besides readiness, limits and usage. */
export interface OperationsSource {
  overview(): Overview;

  /** Decisions of this process over a span of time up to now. */
  rates(span: RateSpan): Rates;

  /** Denials of this process with a higher number, the latest first, so many as it remembers. */
  denials(after: number): readonly RecentDenial[];

  budgets(): MaybePromise<Budgets | Away>;

  /** One principal; a role or a workspace that is empty is the one that it was met with last. */
  principal(name: CallerName): MaybePromise<PrincipalView>;
}

export const RATE_SPANS = ["5m", "1h"] as const;
export type RateSpan = (typeof RATE_SPANS)[number];

export interface Overview {
  readonly version: string;
  readonly now: EpochMs;
  readonly startedAt: EpochMs;
  /** undefined: none is in force yet. */
  readonly policy: PolicyFacts | undefined;
}

export interface PolicyFacts {
  readonly organization: string;
  readonly timezone: string;
  readonly loadedAt: EpochMs;
  readonly reloads: { readonly ok: number; readonly failed: number };
}

export interface Rates {
  readonly stepMs: Millis;
  /** When the first step began. */
  readonly from: EpochMs;
  /** Of each whole step, oldest first; only reasons that came. */
  readonly counts: ReadonlyMap<Reason, readonly number[]>;
}

export interface RecentDenial {
  readonly number: number;
  readonly at: EpochMs;
  readonly caller: CallerName;
  readonly model: string;
  readonly reason: Reason;
  readonly message: string;
  readonly httpStatus: number;
  readonly requestId: string;
  readonly retryAfterMs: Millis | undefined;
  readonly limits: readonly string[];
}

export interface PrincipalView {
  readonly who: CallerName;
  readonly isListed: boolean;
  readonly limits: readonly LimitReport[] | { readonly why: string };
  /** The latest first. */
  readonly history: readonly PrincipalHappening[];
}

export interface PrincipalHappening {
  readonly at: EpochMs;
  readonly outcome: Reason | "settled";
  readonly workspace: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: number;
}
