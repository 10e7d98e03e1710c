import type { OpenReservation } from "../app/ports.js";
import type { KeysSeen } from "../app/read-key-uses.js";
import type { TotalsRead } from "../app/read-totals.js";
import type { Sums } from "../app/top-sums.js";
import { formatDay } from "../domain/day.js";
import type { Metric, Window } from "../domain/limit.js";
import type { EpochMs } from "../domain/units.js";
import { formatAddress } from "./address.js";
import type { LimitRow, Readiness } from "./admin-source.js";

/** A value that JSON.stringify takes; undefined leaves its key out. */
export type Json = string | number | boolean | null | undefined | readonly Json[] | JsonObject;
type JsonObject = { readonly [key: string]: Json };

/** A LimitStatus in protobuf's JSON form, with the workspace and the principal that it is of. */
export function limitJson(row: LimitRow): Json {
  const { limit } = row;
  return {
    name: limit.name,
    metric: metricName(limit.metric),
    window: windowName(limit.window),
    ceiling: int64(limit.ceiling),
    used: int64(row.used),
    reserved: int64(row.reserved),
    remaining: int64(row.remaining),
    resets_at: hasEnd(limit.window) && row.resetsAt !== undefined ? timestamp(row.resetsAt) : undefined,
    scope_id: row.scopeId,
    shadow: limit.shadow,
    workspace: row.workspace,
    principal: row.principal,
  };
}

/** An open reservation, its numbers named as Authorize's answer names them. */
export function reservationJson(reservation: OpenReservation): Json {
  const { amounts } = reservation;
  return {
    reservation_id: reservation.reservationId,
    request_id: reservation.requestId,
    workspace: reservation.workspace,
    role: reservation.role,
    principal: reservation.principal,
    model: reservation.model,
    input_tokens: int64(amounts.inputTokens),
    max_output_tokens: int64(amounts.outputTokens),
    estimated_cost_nano_usd: int64(amounts.cost),
    reserved_at: timestamp(reservation.reservedAt),
    reservation_expires_at: timestamp(reservation.expiresAt),
  };
}

/** What was used on some days; amounts are named as a report of usage names them. */
export function totalsJson({ by, first, last, timezone, keptSince, named, others, all }: TotalsRead): Json {
  return {
    by,
    from: formatDay(first),
    to: formatDay(last),
    timezone,
    kept_since: formatDay(keptSince),
    usage: named.map(({ name, ...sums }) => ({ [by]: name, ...sumsJson(sums) })),
    others: { count: others.count, ...sumsJson(others) },
    total: sumsJson(all),
  };
}

/** When keys were used last; null: not since then. */
export function keysJson({ since, callers, upstream }: KeysSeen): Json {
  const instant = (at: EpochMs | undefined) => (at === undefined ? null : timestamp(at));
  return {
    since: timestamp(since),
    callers: callers.map(({ id, sha256, principal, lastUsed }) => ({
      key_id: id ?? null,
      api_key_sha256: sha256,
      principal,
      last_used: instant(lastUsed),
    })),
    upstream: upstream.map(({ fingerprint, workspaces, lastUsed, isInForce }) => ({
      fingerprint,
      workspaces,
      last_used: instant(lastUsed),
      in_use: isInForce,
    })),
  };
}

function sumsJson({ requests, inputTokens, outputTokens, cost }: Sums): { readonly [key: string]: Json } {
  return {
    requests: int64(requests),
    input_tokens: int64(inputTokens),
    output_tokens: int64(outputTokens),
    cost_nano_usd: int64(cost),
  };
}

/** What `/readyz` says. */
export function readinessJson(readiness: Readiness): JsonObject {
  const { policy } = readiness;
  return {
    status: isReady(readiness) ? "ready" : "not_ready",
    policy: policy ? (policy.stale ? "stale" : "current") : null,
    policy_revision: policy?.revision ?? null,
    faults: readiness.faults,
    store: readiness.store,
    draining: readiness.draining,
    listeners: readiness.listeners.map(({ address, accepting }) => ({ address: formatAddress(address), accepting })),
  };
}

/** Whether callers may be sent here. A store that is away does not count: the policy says what is answered then. */
export function isReady({ policy, draining, listeners }: Readiness): boolean {
  return policy !== undefined && !draining && listeners.length > 0 && listeners.every(({ accepting }) => accepting);
}

/** A metric as the proto names it. */
export function metricName(metric: Metric): string {
  return metric === "usd" ? "METRIC_NANO_USD" : `METRIC_${metric.toUpperCase()}`;
}

/** A window as the proto names it. */
export function windowName(window: Window): string {
  return `WINDOW_${window.toUpperCase()}`;
}

function hasEnd(window: Window): boolean {
  return window !== "request" && window !== "in_flight";
}

/** protobuf's JSON writes 64-bit integers as strings, because readers may hold them as doubles. */
export function int64(value: number): string {
  return BigInt(value).toString();
}

/** RFC 3339 in UTC; protobuf leaves out a fraction that is zero. */
export function timestamp(at: EpochMs): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}
