import type { AlertNotice } from "../app/alert-ports.js";
import type { Metric } from "../domain/limit.js";

/** Of the `windbreak` part of a body. Another form takes another number. */
const VERSION = 1;
const NANO = 1e9;

/**
 * Write what a webhook is sent: `text` for people, which Slack and its likes show, and `windbreak` for programs.
 *
 * Amounts are in the metric's unit, nano-USD for `usd`; times are ISO 8601 in UTC.
 */
export function alertBody(notice: AlertNotice): string {
  const { occasion, limit, organization, policyRevision, now } = notice;
  const { limit: rule, scopeId, workspace, principal, used, reserved, remaining, resetsAt } = limit;
  return JSON.stringify({
    text: alertText(notice),
    windbreak: {
      version: VERSION,
      kind: occasion.kind,
      ...(occasion.kind === "threshold" ? { percent: occasion.percent } : { runs_out_at: iso(occasion.runsOutAt) }),
      time: iso(now),
      organization,
      limit: rule.name,
      scope: rule.scope,
      scope_id: scopeId,
      ...(workspace !== "" && { workspace }),
      ...(principal !== "" && { principal }),
      metric: rule.metric,
      window: rule.window,
      ceiling: rule.ceiling,
      used,
      reserved,
      remaining,
      ...(resetsAt !== undefined && { resets_at: iso(resetsAt) }),
      policy_revision: policyRevision,
    },
  });
}

/** Say it in one sentence or two. */
export function alertText({ occasion, limit, organization }: AlertNotice): string {
  const { limit: rule, workspace, principal, used, reserved, resetsAt } = limit;
  const whose = [principal, workspace, organization].find((name) => name !== "") ?? "";
  const taken = used + reserved;
  const share = Math.floor((taken / rule.ceiling) * 100);
  const amounts = `${amount(rule.metric, taken)} of ${amount(rule.metric, rule.ceiling)}`;
  const resets = resetsAt === undefined ? "" : ` It resets ${iso(resetsAt)}.`;
  if (occasion.kind === "threshold") {
    return `Windbreak: ${whose} has taken ${share} % of ${rule.name}: ${amounts} (told at ${occasion.percent} %).${resets}`;
  }
  return `Windbreak: at this pace ${whose} uses up ${rule.name} at ${iso(occasion.runsOutAt)}: ${amounts} so far.${resets}`;
}

function amount(metric: Metric, value: number): string {
  if (metric === "usd") return `$${(value / NANO).toFixed(2)}`;
  const unit = metric === "requests" || metric === "concurrent_requests" ? "requests" : "tokens";
  return `${value.toLocaleString("en-US")} ${unit}`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
