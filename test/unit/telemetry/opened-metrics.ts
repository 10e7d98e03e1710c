import { afterEach } from "vitest";
import type { DecisionTally, SettlementTally } from "../../../src/app/decision-log.js";
import { Metrics, type MetricsOptions, scrape } from "../../../src/telemetry/metrics.js";
import type { MetricsSource, SharedStoreStats, StoreStats } from "../../../src/telemetry/metrics-source.js";
import { parseScrape, type Scrape } from "./prometheus-text.js";

const NOW = Date.UTC(2026, 10, 22, 12);

export const STATS: StoreStats = { open: 3, expired: 2, remembered: 40, counters: 12 };
export const SHARED: SharedStoreStats = {
  isUp: true,
  down: 4,
  emptied: 1,
  failed: 5,
  driftedLots: 8,
  refusedHere: 900,
  refusalsShared: 901,
  inDoubt: 6,
  inDoubtDropped: 7,
};
export const PENDING = { waiting: 0, sent: 0, dropped: 0 };
export const DECISION_LOG = { waiting: 4, written: 90, dropped: { queueFull: 2, writeFailed: 1 } };
export const TLS = { expiresAt: Date.UTC(2026, 11, 1), refused: 3 };
export const POLICY = { revision: "r1", stale: false, reloads: { ok: 2, failed: 0 } };
export const ALLOWED: DecisionTally = {
  reason: "allowed",
  workspace: "dev",
  model: "mistral-small-2603",
  dryRun: false,
  degraded: false,
};
export const SETTLED: SettlementTally = {
  workspace: "dev",
  model: "mistral-small-2603",
  amounts: { inputTokens: 100, outputTokens: 20, cost: 27_000 },
  unreserved: false,
};

const opened: Metrics[] = [];
afterEach(() => {
  for (const metrics of opened.splice(0)) metrics.close();
});

/** Metrics over a source that knows a little of all, closed when the test ends. */
export function open(source: Partial<MetricsSource> = {}, options: Partial<MetricsOptions> = {}): Metrics {
  const metrics = new Metrics({
    version: "1.2.3",
    clock: { now: () => NOW },
    source: {
      policy: () => POLICY,
      catalogueAgeDays: () => 30,
      stats: () => STATS,
      pending: () => PENDING,
      limits: () => [],
      ...source,
    },
    ...options,
  });
  opened.push(metrics);
  return metrics;
}

/** Scrape what must be readable. */
export async function read(metrics: Metrics): Promise<Scrape> {
  return parseScrape(await scrape(metrics, expectNoFault));
}

/** Told of a fault of a scrape that must have none. @throws Error always. */
export function expectNoFault(fault: unknown) {
  throw new Error("a scrape had a fault", { cause: fault });
}
