import type { Budgets, RoleLimit } from "../app/read-budgets.js";
import { int64, type Json, limitJson, metricName, readinessJson, timestamp, windowName } from "./admin-json.js";
import type { Readiness } from "./admin-source.js";
import type { Overview, PrincipalHappening, PrincipalView, Rates, RecentDenial } from "./operations-source.js";

/** What `/v1/overview` says: all of `/readyz`, and more of the process and its policy. */
export function overviewJson(readiness: Readiness, { version, now, startedAt, policy }: Overview): Json {
  const ready = readinessJson(readiness);
  return {
    ...ready,
    version,
    now: timestamp(now),
    started_at: timestamp(startedAt),
    organization: policy?.organization ?? null,
    timezone: policy?.timezone ?? null,
    policy_loaded_at: policy ? timestamp(policy.loadedAt) : null,
    policy_reloads: policy?.reloads ?? { ok: 0, failed: 0 },
  };
}

/** What `/v1/decisions` says. */
export function ratesJson({ stepMs, from, counts }: Rates): Json {
  return { step_seconds: stepMs / 1_000, from: timestamp(from), counts: Object.fromEntries(counts) };
}

/** One of what `/v1/denials` says. */
export function denialJson(denial: RecentDenial): Json {
  const { principal, role, workspace } = denial.caller;
  return {
    number: int64(denial.number),
    time: timestamp(denial.at),
    principal,
    role,
    workspace,
    model: denial.model,
    reason: denial.reason,
    message: denial.message,
    http_status: denial.httpStatus,
    request_id: denial.requestId,
    retry_after_ms: denial.retryAfterMs === undefined ? undefined : int64(denial.retryAfterMs),
    limits: denial.limits,
  };
}

/** What `/v1/budgets` says. */
export function budgetsJson({ policyRevision, shared, ofEach }: Budgets): Json {
  return {
    policy_revision: policyRevision,
    limits: shared.map(limitJson),
    of_each_principal: ofEach.map(roleLimitJson),
  };
}

function roleLimitJson({ role, limit }: RoleLimit): Json {
  return {
    name: limit.name,
    metric: metricName(limit.metric),
    window: windowName(limit.window),
    ceiling: int64(limit.ceiling),
    shadow: limit.shadow,
    role,
  };
}

/** What `/v1/principals` says of one. */
export function principalJson({ who, isListed, limits, history }: PrincipalView): Json {
  const rows = "why" in limits ? null : limits.map((row) => limitJson({ ...row, ...who }));
  return {
    ...who,
    listed: isListed,
    limits: rows,
    limits_missing: "why" in limits ? limits.why : undefined,
    history: history.map(happeningJson),
  };
}

function happeningJson(happening: PrincipalHappening): Json {
  return {
    time: timestamp(happening.at),
    outcome: happening.outcome,
    workspace: happening.workspace,
    model: happening.model,
    input_tokens: int64(happening.inputTokens),
    output_tokens: int64(happening.outputTokens),
    cost_nano_usd: int64(happening.cost),
  };
}
