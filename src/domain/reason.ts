import type { Limit } from "./limit.js";

/** Why a request was decided as it was, in the order in which reasons win. */
export const REASONS = [
  "allowed",
  "unauthenticated",
  "unknown_principal",
  "unknown_role",
  "unknown_workspace",
  "principal_disabled",
  "model_unknown",
  "model_not_allowed",
  "endpoint_not_allowed",
  "request_too_large",
  "rate_limited",
  "token_budget_exceeded",
  "spend_limit_exceeded",
  "store_unavailable",
] as const;
export type Reason = (typeof REASONS)[number];

/** What an HTTP gateway answers for a reason that no limit's own `status` overrides. */
export const HTTP_STATUS: Readonly<Record<Reason, number>> = {
  allowed: 200,
  unauthenticated: 401,
  unknown_principal: 403,
  unknown_role: 403,
  unknown_workspace: 403,
  principal_disabled: 403,
  model_unknown: 403,
  model_not_allowed: 403,
  endpoint_not_allowed: 403,
  request_too_large: 422,
  rate_limited: 429,
  token_budget_exceeded: 402,
  spend_limit_exceeded: 402,
  store_unavailable: 503,
};

/** The reason that a limit gives when it refuses. Rates are what a short wait mends; budgets are not. */
export function reasonOf(limit: Pick<Limit, "metric" | "window">): Reason {
  const { metric, window } = limit;
  if (window === "request") return "request_too_large";
  if (metric === "usd") return "spend_limit_exceeded";
  if (metric === "requests" || metric === "concurrent_requests") return "rate_limited";
  return window === "second" || window === "minute" ? "rate_limited" : "token_budget_exceeded";
}
