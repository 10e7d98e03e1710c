import type { MetricData } from "@opentelemetry/sdk-metrics";
import type { MaybePromise } from "../app/ports.js";
import type { DecisionLogFacts } from "./decisions/queued-decision-log.js";
import { DEFINITIONS } from "./definitions.js";
import type {
  AlertPosts,
  LimitUse,
  PeerFacts,
  PendingStats,
  PolicyFacts,
  RotationsSource,
  SharedStoreStats,
  StoreStats,
  TlsFacts,
} from "./metrics-source.js";
import { type Sample, type Span, singular } from "./points.js";

const NANO_USD = 1e9;

/** What the store says of itself. All but `store_up` is left out while it is away: a gap, not a 0. */
export function storeMetrics(stats: StoreStats | undefined, span: Span): MetricData[] {
  return [
    singular(DEFINITIONS.storeUp, [unlabelled(stats && stats.shared?.isUp !== false ? 1 : 0)], span),
    singular(DEFINITIONS.reservationsOpen, known(stats?.open), span),
    singular(DEFINITIONS.reservationsExpired, known(stats?.expired), span),
    singular(DEFINITIONS.rememberedRecords, known(stats?.remembered), span),
    singular(DEFINITIONS.countersHeld, known(stats?.counters), span),
    ...(stats?.shared ? sharedMetrics(stats.shared, span) : []),
  ];
}

/** What waits for the store, told also while it is away. */
export function pendingMetrics({ waiting, sent, dropped }: PendingStats, span: Span): MetricData[] {
  return [
    singular(DEFINITIONS.pendingWaiting, [unlabelled(waiting)], span),
    singular(DEFINITIONS.pendingSent, [unlabelled(sent)], span),
    singular(DEFINITIONS.pendingDropped, [unlabelled(dropped)], span),
  ];
}

function sharedMetrics(stats: SharedStoreStats, span: Span): MetricData[] {
  return [
    singular(DEFINITIONS.storeDown, [unlabelled(stats.down)], span),
    singular(DEFINITIONS.storeEmptied, [unlabelled(stats.emptied)], span),
    singular(DEFINITIONS.storeFailed, [unlabelled(stats.failed)], span),
    singular(DEFINITIONS.driftedLots, [unlabelled(stats.driftedLots)], span),
    singular(DEFINITIONS.refusedHere, [unlabelled(stats.refusedHere)], span),
    singular(DEFINITIONS.refusalsShared, [unlabelled(stats.refusalsShared)], span),
    singular(DEFINITIONS.inDoubt, [unlabelled(stats.inDoubt)], span),
    singular(DEFINITIONS.inDoubtDropped, [unlabelled(stats.inDoubtDropped)], span),
  ];
}

/** Use against ceiling, of at most `maxSeries` limits; undefined where they could not be read. */
export function limitMetrics(limits: readonly LimitUse[] | undefined, maxSeries: number, span: Span): MetricData[] {
  const shown = limits?.slice(0, maxSeries) ?? [];
  const samples = (amount: (limit: LimitUse) => number): Sample[] =>
    shown.map((limit) => ({
      labels: { limit: limit.name, scope_id: limit.scopeId },
      value: limit.metric === "usd" ? amount(limit) / NANO_USD : amount(limit),
    }));
  return [
    singular(
      DEFINITIONS.limitUsed,
      samples((limit) => limit.used),
      span,
    ),
    singular(
      DEFINITIONS.limitReserved,
      samples((limit) => limit.reserved),
      span,
    ),
    singular(
      DEFINITIONS.limitCeiling,
      samples((limit) => limit.ceiling),
      span,
    ),
    singular(DEFINITIONS.limitsNotShown, known(limits && limits.length - shown.length), span),
  ];
}

/** Which policy is in force; nothing before the first one. */
export function policyMetrics(policy: PolicyFacts | undefined, span: Span): MetricData[] {
  const info = policy ? [{ labels: { revision: policy.revision }, value: 1 }] : [];
  const reloads = policy
    ? [
        { labels: { result: "ok" }, value: policy.reloads.ok },
        { labels: { result: "failed" }, value: policy.reloads.failed },
      ]
    : [];
  return [
    singular(DEFINITIONS.policyInfo, info, span),
    singular(DEFINITIONS.policyReloads, reloads, span),
    singular(DEFINITIONS.policyStale, known(policy && (policy.stale ? 1 : 0)), span),
  ];
}

/** Who is connected, and who was cut off; nothing where nobody watches them. */
export function peerMetrics(facts: PeerFacts | undefined, span: Span): MetricData[] {
  if (!facts) return [];
  const cut = Array.from(facts.cut, ([reason, value]) => ({ labels: { reason }, value }));
  return [
    singular(DEFINITIONS.connectionsOpen, [unlabelled(facts.connections)], span),
    singular(DEFINITIONS.peersCut, cut, span),
  ];
}

/** Whom alerts were posted to; nothing before the first one. */
export function alertMetrics(posts: Iterable<AlertPosts> | undefined, span: Span): MetricData[] {
  if (!posts) return [];
  const samples = Array.from(posts, ({ target, outcome, count }) => ({
    labels: { target, result: outcome },
    value: count,
  }));
  return [singular(DEFINITIONS.alerts, samples, span)];
}

/** How rotations of keys ended, and how each key stands; nothing where none are rotated. */
export function rotationMetrics(rotations: RotationsSource | undefined, span: Span): MetricData[] {
  if (!rotations) return [];
  const states = rotations.states();
  const counts = rotations.counts().map(({ outcome, count }) => ({ labels: { outcome }, value: count }));
  const ages = states.flatMap(({ workspace, createdAt }) =>
    createdAt === undefined ? [] : [{ labels: { workspace }, value: Math.max(0, span.end - createdAt) / 1000 }],
  );
  const waiting = states.flatMap(({ workspace, step }) =>
    step === undefined ? [] : [{ labels: { workspace, step }, value: 1 }],
  );
  return [
    singular(DEFINITIONS.keyRotations, counts, span),
    singular(DEFINITIONS.keyAge, ages, span),
    singular(DEFINITIONS.keyRotationWaiting, waiting, span),
  ];
}

/** What listeners show and whom they refuse; nothing where none speaks TLS. */
export function tlsMetrics(facts: TlsFacts | undefined, span: Span): MetricData[] {
  if (!facts) return [];
  return [
    singular(DEFINITIONS.certificateExpiry, [unlabelled(facts.expiresAt / 1000)], span),
    singular(DEFINITIONS.refusedConnections, [unlabelled(facts.refused)], span),
  ];
}

/** How the decision log fares; nothing where none is written. */
export function decisionLogMetrics(facts: DecisionLogFacts | undefined, span: Span): MetricData[] {
  if (!facts) return [];
  const dropped = [
    { labels: { why: "queue_full" }, value: facts.dropped.queueFull },
    { labels: { why: "write_failed" }, value: facts.dropped.writeFailed },
  ];
  return [
    singular(DEFINITIONS.decisionLogLines, [unlabelled(facts.written)], span),
    singular(DEFINITIONS.decisionLogWaiting, [unlabelled(facts.waiting)], span),
    singular(DEFINITIONS.decisionLogDropped, dropped, span),
  ];
}

/** How old the built-in prices are. */
export function catalogueMetrics(ageDays: number | undefined, span: Span): MetricData[] {
  return [singular(DEFINITIONS.catalogueAge, known(ageDays), span)];
}

/**
 * Await a read for so long and no longer.
 *
 * @throws Error where it takes longer, or the read's own failure.
 */
export async function within<T>(timeoutMs: number, read: () => MaybePromise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([read(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function known(value: number | undefined): Sample[] {
  return value === undefined ? [] : [unlabelled(value)];
}

function unlabelled(value: number): Sample {
  return { labels: {}, value };
}
