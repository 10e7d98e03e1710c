import type { Budget } from "../../src/app/check-budget.js";
import type { Decision } from "../../src/app/decision.js";
import type { Fault } from "../../src/app/fault.js";
import type { LimitReport } from "../../src/app/limit-report.js";
import type { Recorded } from "../../src/app/record-usage.js";
import { formatDuration } from "../../src/domain/duration.js";
import { formatUsd } from "../../src/domain/explain.js";
import type { Metric } from "../../src/domain/limit.js";
import type { EpochMs, NanoUsd } from "../../src/domain/units.js";

/** What is written where an answer has nothing. */
const NONE = "none";

/** Write a decision as a golden case expects it. */
export function viewDecision(decision: Decision | Fault): object {
  if (decision.kind === "fault") return viewFault(decision);
  const limits = decision.limits.map(({ limit }) => limit.name);
  if (decision.kind === "denied") {
    const { reason, message, httpStatus, model, retryAfterMs, shadowDenials } = decision;
    return {
      allowed: false,
      reason: reason.toUpperCase(),
      message,
      http_status: httpStatus,
      model,
      limits,
      retry_after: retryAfterMs === undefined ? NONE : formatDuration(retryAfterMs),
      shadow_denials: shadowDenials,
    };
  }
  const { reservationId, expiresAt, model, outputTokens, cost, shadowDenials } = decision.grant;
  const isReserved = reservationId !== "";
  return {
    allowed: true,
    reason: "ALLOWED",
    model,
    max_output_tokens: outputTokens,
    cost: formatUsd(cost),
    ...(isReserved ? {} : { reservation_id: NONE }),
    reservation_expires_at: isReserved ? viewInstant(expiresAt) : NONE,
    limits,
    shadow_denials: shadowDenials,
    degraded: decision.degraded,
  };
}

/** Write what was recorded as a golden case expects it. */
export function viewRecorded(recorded: Recorded | Fault): object {
  if (recorded.kind === "fault") return viewFault(recorded);
  const { cost, already, unreserved, limits } = recorded;
  return {
    cost: formatUsd(cost),
    already_recorded: already,
    unreserved,
    limits: limits.map(({ limit }) => limit.name),
  };
}

/** Write a budget as a golden case expects it. */
export function viewBudget(budget: Budget | Fault): object {
  if (budget.kind === "fault") return viewFault(budget);
  const { principal, limits, allowedModels, modelStatus } = budget;
  return {
    principal,
    order: limits.map(({ limit }) => limit.name),
    limits: Object.fromEntries(limits.map((report) => [report.limit.name, viewLimit(report)])),
    allowed_models: allowedModels,
    model: modelStatus && {
      id: modelStatus.model,
      reason: modelStatus.reason.toUpperCase(),
      input: viewPrice(modelStatus.inputToken),
      output: viewPrice(modelStatus.outputToken),
    },
  };
}

function viewLimit({ limit, scopeId, used, reserved, remaining, resetsAt }: LimitReport): object {
  return {
    ceiling: viewAmount(limit.metric, limit.ceiling),
    used: viewAmount(limit.metric, used),
    reserved: viewAmount(limit.metric, reserved),
    remaining: viewAmount(limit.metric, remaining),
    resets_at: resetsAt === undefined ? NONE : viewInstant(resetsAt),
    scope_id: scopeId,
    shadow: limit.shadow,
  };
}

function viewFault({ code, message }: Fault): object {
  return { fault: { code: code.toUpperCase(), message } };
}

function viewAmount(metric: Metric, amount: number): number | string {
  return metric === "usd" ? formatUsd(amount) : amount;
}

function viewPrice(nanoUsd: NanoUsd | undefined): string {
  return nanoUsd === undefined ? NONE : formatUsd(nanoUsd);
}

function viewInstant(at: EpochMs): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}
