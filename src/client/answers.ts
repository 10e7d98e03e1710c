import type { Metric, Window } from "../domain/limit.js";
import type { Reason } from "../domain/reason.js";

export interface Decision {
  readonly requestId: string;
  readonly allowed: boolean;
  readonly reason: Reason;
  /** For a person: which limit, how much is left, when it frees. */
  readonly message: string;
  /** Empty on a denial and on a dry run. */
  readonly reservationId: string;
  readonly reservationExpiresAt: Date | undefined;
  /** The dated model that was decided and priced; what to send. */
  readonly model: string;
  /** The output tokens that were reserved, over all choices: send no more. */
  readonly maxOutputTokens: number;
  readonly estimatedCostNanoUsd: number;
  /** On a denial those that refused, the one that frees last first. */
  readonly limits: readonly LimitStatus[];
  /** When the same call would pass by time alone; undefined where waiting does not help. */
  readonly retryAfterMs: number | undefined;
  readonly httpStatus: number;
  readonly policyRevision: string;
  /** Decided without the shared store. */
  readonly degraded: boolean;
  /** Limits in shadow that would have refused. */
  readonly shadowDenials: readonly string[];
}

export interface Recorded {
  readonly costNanoUsd: number;
  /** Nothing was changed: this usage had been recorded. */
  readonly alreadyRecorded: boolean;
  /** No open reservation stood behind it. */
  readonly unreserved: boolean;
  /** Limits that stand above their ceiling now. */
  readonly limits: readonly LimitStatus[];
  readonly policyRevision: string;
}

export interface Budget {
  readonly limits: readonly LimitStatus[];
  readonly policyRevision: string;
  /** Dated ids. */
  readonly allowedModels: readonly string[];
  readonly degraded: boolean;
  /** As the policy resolved it. */
  readonly principal: { readonly id: string; readonly role: string; readonly workspace: string } | undefined;
}

export interface LimitStatus {
  /** As the policy file spells it: `workspaces.search.usd_per_month`. */
  readonly name: string;
  readonly metric: Metric;
  readonly window: Window;
  /** In the metric's unit; nano-USD for `usd`. */
  readonly ceiling: number;
  readonly used: number;
  readonly reserved: number;
  readonly remaining: number;
  readonly resetsAt: Date | undefined;
  readonly scopeId: string;
  readonly shadow: boolean;
}
