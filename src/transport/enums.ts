import type { Metric, Window } from "../domain/limit.js";
import { ENDPOINTS, type Endpoint } from "../domain/model.js";
import type { Reason } from "../domain/reason.js";
import {
  Metric as MetricNumber,
  Reason as ReasonNumber,
  Window as WindowNumber,
} from "../gen/windbreak/v1/policy_decision.js";

export const REASON_NUMBERS: Readonly<Record<Reason, ReasonNumber>> = {
  allowed: ReasonNumber.REASON_ALLOWED,
  unauthenticated: ReasonNumber.REASON_UNAUTHENTICATED,
  unknown_principal: ReasonNumber.REASON_UNKNOWN_PRINCIPAL,
  unknown_role: ReasonNumber.REASON_UNKNOWN_ROLE,
  unknown_workspace: ReasonNumber.REASON_UNKNOWN_WORKSPACE,
  principal_disabled: ReasonNumber.REASON_PRINCIPAL_DISABLED,
  model_unknown: ReasonNumber.REASON_MODEL_UNKNOWN,
  model_not_allowed: ReasonNumber.REASON_MODEL_NOT_ALLOWED,
  endpoint_not_allowed: ReasonNumber.REASON_ENDPOINT_NOT_ALLOWED,
  request_too_large: ReasonNumber.REASON_REQUEST_TOO_LARGE,
  rate_limited: ReasonNumber.REASON_RATE_LIMITED,
  token_budget_exceeded: ReasonNumber.REASON_TOKEN_BUDGET_EXCEEDED,
  spend_limit_exceeded: ReasonNumber.REASON_SPEND_LIMIT_EXCEEDED,
  store_unavailable: ReasonNumber.REASON_STORE_UNAVAILABLE,
};

export const METRIC_NUMBERS: Readonly<Record<Metric, MetricNumber>> = {
  requests: MetricNumber.METRIC_REQUESTS,
  tokens: MetricNumber.METRIC_TOKENS,
  input_tokens: MetricNumber.METRIC_INPUT_TOKENS,
  output_tokens: MetricNumber.METRIC_OUTPUT_TOKENS,
  usd: MetricNumber.METRIC_NANO_USD,
  concurrent_requests: MetricNumber.METRIC_CONCURRENT_REQUESTS,
};

export const WINDOW_NUMBERS: Readonly<Record<Window, WindowNumber>> = {
  request: WindowNumber.WINDOW_REQUEST,
  second: WindowNumber.WINDOW_SECOND,
  minute: WindowNumber.WINDOW_MINUTE,
  hour: WindowNumber.WINDOW_HOUR,
  day: WindowNumber.WINDOW_DAY,
  week: WindowNumber.WINDOW_WEEK,
  month: WindowNumber.WINDOW_MONTH,
  in_flight: WindowNumber.WINDOW_IN_FLIGHT,
};

/** The endpoint of a number on the wire; undefined for 0, which names none. */
export function endpointOf(number: number): Endpoint | "unknown" | undefined {
  if (number === 0) return undefined;
  // The enum on the wire lists the endpoints in the order of ours, from 1.
  return ENDPOINTS[number - 1] ?? "unknown";
}
