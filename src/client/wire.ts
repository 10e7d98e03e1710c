import { METRICS, type Metric, WINDOWS, type Window } from "../domain/limit.js";
import { ENDPOINTS, type Endpoint } from "../domain/model.js";
import { REASONS, type Reason } from "../domain/reason.js";
import type { Duration } from "../gen/google/protobuf/duration.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";
import type {
  AuthorizeResponse,
  CheckBudgetResponse,
  LimitStatus as LimitMessage,
  RecordUsageResponse,
} from "../gen/windbreak/v1/policy_decision.js";
import type { Budget, Decision, LimitStatus, Recorded } from "./answers.js";

// The enums on the wire list their values in the order of ours, from 1.
const WIRE_METRICS: readonly Metric[] = [...METRICS, "concurrent_requests"];
const WIRE_WINDOWS: readonly Window[] = [...WINDOWS, "in_flight"];

/** The number of an endpoint on the wire; 0 names none. */
export function endpointNumber(endpoint: Endpoint | undefined): number {
  return endpoint === undefined ? 0 : ENDPOINTS.indexOf(endpoint) + 1;
}

/** Read a decision. @throws Error where it gives a reason that this version does not know. */
export function decisionOf(message: AuthorizeResponse): Decision {
  const { reservationExpiresAt, retryAfter, reason, limits, ...rest } = message;
  return {
    ...rest,
    reason: named<Reason>(REASONS, reason, "reason"),
    limits: limits.map(limitOf),
    reservationExpiresAt: dateOf(reservationExpiresAt),
    retryAfterMs: retryAfter && millisOf(retryAfter),
  };
}

/** Read what a settlement came to. @throws Error where a limit is of a kind that this version does not know. */
export function recordedOf({ limits, ...rest }: RecordUsageResponse): Recorded {
  return { ...rest, limits: limits.map(limitOf) };
}

/** Read how limits stand. @throws Error where a limit is of a kind that this version does not know. */
export function budgetOf({ limits, policyRevision, allowedModels, degraded, principal }: CheckBudgetResponse): Budget {
  return { limits: limits.map(limitOf), policyRevision, allowedModels, degraded, principal };
}

function limitOf(message: LimitMessage): LimitStatus {
  const { metric, window, resetsAt, ...rest } = message;
  return {
    ...rest,
    metric: named(WIRE_METRICS, metric, "metric"),
    window: named(WIRE_WINDOWS, window, "window"),
    resetsAt: dateOf(resetsAt),
  };
}

function named<Name>(names: readonly Name[], number: number, what: string): Name {
  const name = names[number - 1];
  if (name === undefined)
    throw new Error(`Windbreak answered with a ${what} (${number}) unknown here; update windbreak`);
  return name;
}

function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp && new Date(millisOf(timestamp));
}

function millisOf({ seconds, nanos }: Duration | Timestamp): number {
  return seconds * 1000 + Math.ceil(nanos / 1e6);
}
