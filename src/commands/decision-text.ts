import { formatSpan, formatUsd } from "../domain/explain.js";
import { printable } from "../domain/printable.js";
import type { EpochMs } from "../domain/units.js";
import { type AuthorizeResponse, Reason } from "../gen/windbreak/v1/policy_decision.js";
import { instantOf, rowsOf } from "./limit-rows.js";
import { limitTable } from "./limit-table.js";
import { formatCount, formatPairs } from "./table.js";

/** Write a decision for a person: what it is and why, what goes with it, and its limits where it has any. */
export function decisionText(decision: AuthorizeResponse, now: EpochMs): string {
  const { allowed, limits } = decision;
  const table = limits.length > 0 ? `\n${limitTable(rowsOf(limits), now)}` : "";
  return `${verdictText(decision)}${formatPairs(allowed ? grant(decision, now) : refusal(decision))}${table}`;
}

/** Write what was decided, and for a denial why. What a terminal could act on is written as escapes. */
export function verdictText(decision: AuthorizeResponse): string {
  const { allowed, model, maxOutputTokens, estimatedCostNanoUsd, reason, httpStatus, message } = decision;
  if (!allowed) return `denied: ${reasonName(reason)} (HTTP ${httpStatus})\n${printable(message)}\n`;
  const output = maxOutputTokens > 0 ? `, at most ${formatCount(maxOutputTokens)} output tokens` : "";
  return `allowed: ${printable(model)}${output}, at most ${formatUsd(estimatedCostNanoUsd)}\n`;
}

/** Name a reason as people do: `RATE_LIMITED`. */
export function reasonName(reason: Reason): string {
  return (Reason[reason] ?? "unknown reason").replace("REASON_", "");
}

type Pairs = readonly (readonly [string, string | undefined])[];

function grant(decision: AuthorizeResponse, now: EpochMs): Pairs {
  const { reservationId, reservationExpiresAt } = decision;
  const expires = reservationExpiresAt && `, expires in ${formatSpan(instantOf(reservationExpiresAt) - now)}`;
  const reservation = reservationId === "" ? "none: this was a dry run" : `${reservationId}${expires ?? ""}`;
  return [["reservation", reservation], ...common(decision)];
}

function refusal(decision: AuthorizeResponse): Pairs {
  const { model, retryAfter } = decision;
  const wait = retryAfter && formatSpan(retryAfter.seconds * 1000 + retryAfter.nanos / 1e6);
  return [["retry after", wait], ["model", model], ...common(decision)];
}

function common(decision: AuthorizeResponse): Pairs {
  const { requestId, policyRevision, degraded, shadowDenials } = decision;
  return [
    ["in shadow", shadowDenials.length > 0 ? `${shadowDenials.join(", ")} would have denied it` : ""],
    ["degraded", degraded ? "decided without the counter store" : ""],
    ["request", requestId],
    ["policy", policyRevision],
  ];
}
