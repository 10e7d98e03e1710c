import { type Amounts, chargeOf } from "../domain/charges.js";
import type { TooLarge } from "../domain/evaluate.js";
import { explainModelBound, explainRefusal, explainTooLarge } from "../domain/explain.js";
import type { Limit } from "../domain/limit.js";
import type { OpenPlan, Plan, Refusal } from "../domain/plan.js";
import { HTTP_STATUS, type Reason, reasonOf } from "../domain/reason.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { type LimitReport, report, reportAll } from "./limit-report.js";
import type { Grant, Reading } from "./ports.js";
import type { Resolved } from "./snapshot.js";

/** The answer to one question. */
export type Decision = Allowed | Denied;

export interface Allowed {
  readonly kind: "allowed";
  readonly workspace: string;
  /** On a dry run without a reservation_id, and without an end. */
  readonly grant: Grant;
  /** Every limit that governs, where the call asked for them. */
  readonly limits: readonly LimitReport[];
  readonly degraded: boolean;
}

export interface Denied {
  readonly kind: "denied";
  /** undefined: the policy does not know the caller's. */
  readonly workspace: string | undefined;
  readonly requestId: string;
  readonly reason: Reason;
  /** For a person. */
  readonly message: string;
  /** The dated model; empty where the catalogue does not know it. */
  readonly model: string;
  /** Those that refused, the one that frees last first; then the others, where the call asked for them. */
  readonly limits: readonly LimitReport[];
  /** How many of them refused. */
  readonly refusing: number;
  /** undefined: waiting does not help. */
  readonly retryAfterMs: Millis | undefined;
  readonly httpStatus: number;
  readonly policyRevision: string;
  readonly shadowDenials: readonly string[];
}

const NO_LIMITS: readonly LimitReport[] = [];
const NO_NAMES: readonly string[] = [];

/** Deny by a rule that no amount changes. */
export function deniedByRule(plan: Plan, refusal: Refusal, requestId: string): Denied {
  return {
    kind: "denied",
    workspace: plan.workspace,
    requestId,
    reason: refusal.reason,
    message: refusal.message,
    model: plan.model?.id ?? "",
    limits: NO_LIMITS,
    refusing: 0,
    retryAfterMs: undefined,
    httpStatus: HTTP_STATUS[refusal.reason],
    policyRevision: plan.policyRevision,
    shadowDenials: NO_NAMES,
  };
}

/** Deny a request that is too large by itself. */
export function deniedBySize({ account }: Resolved, plan: OpenPlan, verdict: TooLarge, requestId: string): Denied {
  const refusal = { reason: "request_too_large", message: explainSize(plan, verdict) } as const;
  return {
    ...deniedByRule(plan, refusal, requestId),
    limits: verdict.refusing.map((limit) => report(account.caller, limit)),
    refusing: verdict.refusing.length,
    shadowDenials: verdict.shadowDenials,
  };
}

function explainSize({ model }: OpenPlan, { bound, refusing, worst }: TooLarge): string {
  if (bound === "model") return explainModelBound(model, worst);
  return refusing.map((limit) => explainTooLarge(limit, worst)).join("; ");
}

/** What a denial by counters is made of. */
export interface Refusals {
  readonly resolved: Resolved;
  readonly plan: OpenPlan;
  readonly worst: Amounts;
  /** One for each of the standing's counted limits. */
  readonly readings: readonly Reading[];
  readonly shadowDenials: readonly string[];
  readonly requestId: string;
  readonly includeLimits: boolean;
  readonly now: EpochMs;
}

/** Deny by the limits that have no room: in the words of the one that frees last. */
export function deniedByLimits(refusals: Refusals): Denied {
  const { resolved, plan, worst, readings, now } = refusals;
  const { caller } = resolved.account;
  const refusing = refusingOf(resolved, readings);
  const [last] = refusing;
  if (!last) throw new RangeError("a refusal names at least one limit");

  const { limit, reading } = last;
  const reason = reasonOf(limit);
  const reports = refusing.map((one) => report(caller, one.limit, one.reading));
  const others = refusals.includeLimits
    ? reportAll(caller, readings).filter((one) => refusing.every((refuser) => refuser.limit !== one.limit))
    : NO_LIMITS;
  return {
    ...deniedByRule(plan, { reason, message: "" }, refusals.requestId),
    message: explainRefusal({ ...limit, ...reading, charge: chargeOf(limit.metric, worst) }, now),
    limits: [...reports, ...others],
    refusing: reports.length,
    retryAfterMs: reading.freesAt === undefined ? undefined : Math.max(0, reading.freesAt - now),
    httpStatus: limit.httpStatus,
    shadowDenials: refusals.shadowDenials,
  };
}

interface RefusingLimit {
  readonly limit: Limit;
  readonly reading: Reading;
}

/** The one that frees last first, one that never frees before all; ties and the rest in the order of the limits. */
function refusingOf({ standing }: Resolved, readings: readonly Reading[]): readonly RefusingLimit[] {
  const refusing = standing.counted
    .map((limit, index) => ({ limit, reading: readings[index] }))
    .filter((one): one is RefusingLimit => one.reading?.refuses === true && !one.limit.shadow);
  const freesAt = ({ reading }: RefusingLimit) => reading.freesAt ?? Number.POSITIVE_INFINITY;
  const latest = Math.max(...refusing.map(freesAt));
  const last = refusing.find((one) => freesAt(one) === latest);
  return last ? [last, ...refusing.filter((one) => one !== last)] : [];
}

/** Deny because the store did not answer and the workspace says deny. */
export function deniedByStore(plan: OpenPlan, requestId: string): Denied {
  const message = "the counter store did not answer, and the policy denies calls that cannot be counted; try again";
  return deniedByRule(plan, { reason: "store_unavailable", message }, requestId);
}

/** Every limit of a caller where a call asked for them; else none. */
export function limitsIfAsked({ account }: Resolved, readings: readonly Reading[] | undefined): readonly LimitReport[] {
  return readings ? reportAll(account.caller, readings) : NO_LIMITS;
}
