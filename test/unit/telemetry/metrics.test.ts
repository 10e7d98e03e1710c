import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Decided, Settled } from "../../../src/app/ports.js";
import { REASONS } from "../../../src/domain/reason.js";
import { DEFINITIONS } from "../../../src/telemetry/definitions.js";
import { Metrics, type MetricsOptions, scrape } from "../../../src/telemetry/metrics.js";
import type { LimitUse, MetricsSource, StoreStats } from "../../../src/telemetry/metrics-source.js";
import { parseScrape, type Scrape, sampleOf, select } from "./prometheus-text.js";

const NOW = Date.UTC(2026, 10, 22, 12);

const STATS: StoreStats = { open: 3, expired: 2, remembered: 40, counters: 12 };
const POLICY = { revision: "r1", stale: false, reloads: { ok: 2, failed: 0 } };
const ALLOWED: Decided = {
  reason: "allowed",
  workspace: "dev",
  model: "mistral-small-2603",
  dryRun: false,
  degraded: false,
};
const SETTLED: Settled = {
  workspace: "dev",
  model: "mistral-small-2603",
  amounts: { inputTokens: 100, outputTokens: 20, cost: 27_000 },
  unreserved: false,
};

const opened: Metrics[] = [];
afterEach(() => {
  for (const metrics of opened.splice(0)) metrics.close();
});

function open(source: Partial<MetricsSource> = {}, options: Partial<MetricsOptions> = {}): Metrics {
  const metrics = new Metrics({
    version: "1.2.3",
    clock: { now: () => NOW },
    source: { policy: () => POLICY, catalogueAgeDays: () => 30, stats: () => STATS, limits: () => [], ...source },
    ...options,
  });
  opened.push(metrics);
  return metrics;
}

async function read(metrics: Metrics): Promise<Scrape> {
  return parseScrape(await scrape(metrics, expectNoFault));
}

function expectNoFault(fault: unknown) {
  throw new Error("a scrape had a fault", { cause: fault });
}

describe("decisions", () => {
  it("are counted by reason, model and workspace", async () => {
    const metrics = open();
    metrics.decided(ALLOWED);
    metrics.decided(ALLOWED);
    metrics.decided({ ...ALLOWED, reason: "rate_limited" });
    metrics.decided({ ...ALLOWED, workspace: "prod" });
    const found = await read(metrics);
    const labels = { model: "mistral-small-2603", workspace: "dev" };
    expect(select(found, "windbreak_decisions_total")).toEqual([
      { name: "windbreak_decisions_total", labels: { ...labels, reason: "allowed" }, value: 2 },
      { name: "windbreak_decisions_total", labels: { ...labels, reason: "rate_limited" }, value: 1 },
      { name: "windbreak_decisions_total", labels: { ...labels, workspace: "prod", reason: "allowed" }, value: 1 },
    ]);
  });

  it("name every reason as the policy's words do", async () => {
    const metrics = open();
    for (const reason of REASONS) metrics.decided({ ...ALLOWED, reason });
    const found = select(await read(metrics), "windbreak_decisions_total");
    expect(found.map(({ labels }) => labels["reason"])).toEqual([...REASONS]);
  });

  it("show a workspace or model that is not known as unknown", async () => {
    const metrics = open();
    metrics.decided({ ...ALLOWED, reason: "unknown_workspace", workspace: undefined, model: undefined });
    const labels = { reason: "unknown_workspace", workspace: "unknown", model: "unknown" };
    expect(sampleOf(await read(metrics), "windbreak_decisions_total", labels)).toBe(1);
  });

  it("are counted apart where they were dry runs", async () => {
    const metrics = open();
    metrics.decided({ ...ALLOWED, dryRun: true });
    const found = await read(metrics);
    expect(select(found, "windbreak_decisions_total")).toEqual([]);
    expect(sampleOf(found, "windbreak_dry_runs_total", { reason: "allowed", workspace: "dev" })).toBe(1);
  });

  it("are counted once more where the store was away", async () => {
    const metrics = open();
    metrics.decided({ ...ALLOWED, degraded: true });
    metrics.decided(ALLOWED);
    expect(sampleOf(await read(metrics), "windbreak_degraded_decisions_total")).toBe(1);
  });

  it("never go back from scrape to scrape", async () => {
    const metrics = open();
    metrics.decided(ALLOWED);
    expect(sampleOf(await read(metrics), "windbreak_decisions_total")).toBe(1);
    metrics.decided(ALLOWED);
    expect(sampleOf(await read(metrics), "windbreak_decisions_total")).toBe(2);
  });

  it("keep to a bounded number of series under hostile names, and lose none", async () => {
    const metrics = open({}, { maxSeries: 50 });
    metrics.decided(ALLOWED);
    for (let name = 0; name < 2_000; name += 1) {
      metrics.decided({ ...ALLOWED, workspace: `w${name}`, model: `m${name}`, reason: "model_unknown" });
    }
    metrics.decided(ALLOWED);
    const found = select(await read(metrics), "windbreak_decisions_total");
    expect(found.length).toBe(51);
    expect(found.reduce((total, { value }) => total + value, 0)).toBe(2_002);
    expect(found.find(({ labels }) => labels["workspace"] === "dev")?.value).toBe(2);
    expect(found.find(({ labels }) => labels["workspace"] === "other")).toMatchObject({
      labels: { model: "other", reason: "model_unknown" },
      value: 2_000 - 49,
    });
  });

  it("cannot break out of their labels", async () => {
    const metrics = open();
    const hostile = 'a"} 1\nwindbreak_build_info{version="\\evil';
    metrics.decided({ ...ALLOWED, model: hostile });
    const found = await read(metrics);
    expect(select(found, "windbreak_decisions_total").map(({ labels }) => labels["model"])).toEqual([hostile]);
    expect(select(found, "windbreak_build_info").length).toBe(1);
  });
});

describe("the decision's duration", () => {
  it("fills cumulative buckets from 10 microseconds to 100 milliseconds", async () => {
    const metrics = open();
    for (const seconds of [0.000009, 0.00001, 0.00003, 0.002, 0.1, 0.5]) metrics.observe(seconds);
    const buckets = select(await read(metrics), "windbreak_decision_duration_seconds_bucket");
    expect(buckets.map(({ labels, value }) => [labels["le"], value])).toEqual([
      ["0.00001", 2],
      ["0.000025", 2],
      ["0.00005", 3],
      ["0.0001", 3],
      ["0.00025", 3],
      ["0.0005", 3],
      ["0.001", 3],
      ["0.0025", 4],
      ["0.005", 4],
      ["0.01", 4],
      ["0.025", 4],
      ["0.05", 4],
      ["0.1", 5],
      ["+Inf", 6],
    ]);
  });

  it("tells count and sum, and is typed as a histogram", async () => {
    const metrics = open();
    metrics.observe(0.25);
    metrics.observe(0.5);
    const found = await read(metrics);
    expect(sampleOf(found, "windbreak_decision_duration_seconds_count")).toBe(2);
    expect(sampleOf(found, "windbreak_decision_duration_seconds_sum")).toBe(0.75);
    expect(found.types.get("windbreak_decision_duration_seconds")).toBe("histogram");
  });
});

describe("settlements", () => {
  it("are counted with their tokens and their cost in USD", async () => {
    const metrics = open();
    metrics.settled(SETTLED);
    metrics.settled({ ...SETTLED, unreserved: true });
    const found = await read(metrics);
    const labels = { workspace: "dev", model: "mistral-small-2603" };
    expect(sampleOf(found, "windbreak_settlements_total", { ...labels, unreserved: "false" })).toBe(1);
    expect(sampleOf(found, "windbreak_settlements_total", { ...labels, unreserved: "true" })).toBe(1);
    expect(sampleOf(found, "windbreak_settled_input_tokens_total", labels)).toBe(200);
    expect(sampleOf(found, "windbreak_settled_output_tokens_total", labels)).toBe(40);
    expect(sampleOf(found, "windbreak_settled_cost_usd_total", labels)).toBe(0.000054);
  });

  it("of nothing are shown as 0, not left out", async () => {
    const metrics = open();
    metrics.settled({ ...SETTLED, amounts: { inputTokens: 0, outputTokens: 0, cost: 0 } });
    const found = await read(metrics);
    expect(sampleOf(found, "windbreak_settlements_total")).toBe(1);
    expect(sampleOf(found, "windbreak_settled_cost_usd_total")).toBe(0);
  });
});

describe("the store", () => {
  it("tells what it holds", async () => {
    const found = await read(open({ stats: async () => STATS }));
    expect(sampleOf(found, "windbreak_store_up")).toBe(1);
    expect(sampleOf(found, "windbreak_reservations_open")).toBe(3);
    expect(sampleOf(found, "windbreak_reservations_expired_total")).toBe(2);
    expect(sampleOf(found, "windbreak_remembered_records")).toBe(40);
    expect(sampleOf(found, "windbreak_counters_held")).toBe(12);
  });

  it("shows no number that it does not keep", async () => {
    const found = await read(open({ stats: () => ({ ...STATS, counters: undefined }) }));
    expect(sampleOf(found, "windbreak_counters_held")).toBeUndefined();
    expect(sampleOf(found, "windbreak_reservations_open")).toBe(3);
  });

  it("that is away leaves a gap, not zeros", async () => {
    const found = await read(open({ stats: () => undefined, limits: () => undefined }));
    expect(sampleOf(found, "windbreak_store_up")).toBe(0);
    expect(select(found, "windbreak_reservations_open")).toEqual([]);
    expect(select(found, "windbreak_limit_used")).toEqual([]);
    expect(select(found, "windbreak_limits_not_shown")).toEqual([]);
  });
});

describe("limits", () => {
  const tokens: LimitUse = {
    name: "roles.senior.tokens_per_day",
    scopeId: "dev",
    metric: "tokens",
    ceiling: 1_000,
    used: 70,
    reserved: 30,
  };
  const spend: LimitUse = {
    name: "organization.usd_per_month",
    scopeId: "acme",
    metric: "usd",
    ceiling: 3_000_000_000_000,
    used: 1_250_000_001,
    reserved: 300_000_000,
  };

  it("tell use, reservation and ceiling in their metric's unit, money in USD", async () => {
    const found = await read(open({ limits: async () => [tokens, spend] }));
    const ofTokens = { limit: tokens.name, scope_id: "dev" };
    const ofSpend = { limit: spend.name, scope_id: "acme" };
    expect(sampleOf(found, "windbreak_limit_used", ofTokens)).toBe(70);
    expect(sampleOf(found, "windbreak_limit_reserved", ofTokens)).toBe(30);
    expect(sampleOf(found, "windbreak_limit_ceiling", ofTokens)).toBe(1_000);
    expect(sampleOf(found, "windbreak_limit_used", ofSpend)).toBe(1.250000001);
    expect(sampleOf(found, "windbreak_limit_reserved", ofSpend)).toBe(0.3);
    expect(sampleOf(found, "windbreak_limit_ceiling", ofSpend)).toBe(3_000);
    expect(sampleOf(found, "windbreak_limits_not_shown")).toBe(0);
  });

  it("beyond the cap are left out and counted", async () => {
    const many = Array.from({ length: 7 }, (_, nth) => ({ ...tokens, scopeId: `w${nth}` }));
    const found = await read(open({ limits: () => many }, { maxSeries: 5 }));
    expect(select(found, "windbreak_limit_used").length).toBe(5);
    expect(sampleOf(found, "windbreak_limits_not_shown")).toBe(2);
  });
});

describe("the policy", () => {
  it("tells its revision, that it is current, and the catalogue's age", async () => {
    const found = await read(open());
    expect(sampleOf(found, "windbreak_policy_info", { revision: "r1" })).toBe(1);
    expect(sampleOf(found, "windbreak_policy_stale")).toBe(0);
    expect(sampleOf(found, "windbreak_catalogue_age_days")).toBe(30);
  });

  it("that is stale says so", async () => {
    expect(sampleOf(await read(open({ policy: () => ({ ...POLICY, stale: true }) })), "windbreak_policy_stale")).toBe(
      1,
    );
  });

  it("shows nothing before the first one is in force", async () => {
    const found = await read(open({ policy: () => undefined }));
    expect(select(found, "windbreak_policy_info")).toEqual([]);
    expect(select(found, "windbreak_policy_stale")).toEqual([]);
  });

  it("counts reloads by result, from 0", async () => {
    const found = await read(open());
    expect(sampleOf(found, "windbreak_policy_reloads_total", { result: "ok" })).toBe(2);
    expect(sampleOf(found, "windbreak_policy_reloads_total", { result: "failed" })).toBe(0);
  });
});

describe("a scrape", () => {
  it("tells the version and what the process costs", async () => {
    const found = await read(open());
    expect(sampleOf(found, "windbreak_build_info", { version: "1.2.3" })).toBe(1);
    expect(sampleOf(found, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(sampleOf(found, "process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(sampleOf(found, "windbreak_event_loop_active_seconds_total")).toBeGreaterThan(0);
    expect(Math.abs((sampleOf(found, "process_start_time_seconds") ?? 0) - Date.now() / 1000)).toBeLessThan(3_600);
    expect(found.types.get("windbreak_event_loop_lag_seconds")).toBe("histogram");
  });

  it("leaks neither host nor command line nor the library's own labels", async () => {
    const text = await scrape(open(), expectNoFault);
    expect(text).toContain("windbreak_build_info");
    for (const leak of ["otel_scope", "target_info", "telemetry_sdk", process.execPath, hostname()]) {
      expect(text).not.toContain(leak);
    }
  });

  it("shows a read that fails as a gap, counts it, and reports why", async () => {
    const cause = new Error("connection refused");
    const faults: unknown[] = [];
    const metrics = open({ limits: () => Promise.reject(cause) });
    metrics.decided(ALLOWED);
    const found = parseScrape(await scrape(metrics, (fault) => faults.push(fault)));
    expect(sampleOf(found, "windbreak_decisions_total")).toBe(1);
    expect(select(found, "windbreak_limit_used")).toEqual([]);
    expect(sampleOf(found, "windbreak_scrape_errors_total", { read: "limits" })).toBe(1);
    expect(sampleOf(found, "windbreak_scrape_errors_total", { read: "store" })).toBe(0);
    expect(faults).toEqual([expect.objectContaining({ cause })]);
  });

  it("survives a source that throws at once", async () => {
    const faults: unknown[] = [];
    const metrics = open({
      stats: () => {
        throw new Error("broken");
      },
    });
    const found = parseScrape(await scrape(metrics, (fault) => faults.push(fault)));
    expect(sampleOf(found, "windbreak_store_up")).toBe(0);
    expect(faults.length).toBe(1);
  });

  it("does not wait for a store that never answers", async () => {
    vi.useFakeTimers();
    try {
      const metrics = open({ stats: () => new Promise(() => {}) });
      const faults: unknown[] = [];
      const scraping = scrape(metrics, (fault) => faults.push(fault));
      await vi.advanceTimersByTimeAsync(3_000);
      const found = parseScrape(await scraping);
      expect(sampleOf(found, "windbreak_store_up")).toBe(0);
      expect(sampleOf(found, "windbreak_policy_info")).toBe(1);
      expect(faults.map(String)).toEqual(["Error: metrics: store could not be read; its series have a gap"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("shares one reading among those that overlap, and reads anew after it", async () => {
    let reads = 0;
    const metrics = open({
      limits: async () => {
        reads += 1;
        return [];
      },
    });
    await Promise.all([read(metrics), read(metrics), read(metrics)]);
    expect(reads).toBe(1);
    await read(metrics);
    expect(reads).toBe(2);
  });

  it("shows exactly the metrics that are defined, each with its type", async () => {
    const { types } = await read(open());
    const defined = Object.values(DEFINITIONS).map(({ name, kind }) => [name, kind]);
    expect([...types].sort()).toEqual(defined.sort());
  });

  it("shows exactly the metrics that the manual lists", () => {
    const manual = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
    const listed = [...manual.matchAll(/^\| `((?:windbreak|process)_[a-z_]+)/gm)].map((match) => match[1]);
    const defined: string[] = Object.values(DEFINITIONS).map(({ name }) => name);
    expect(listed.sort()).toEqual(defined.sort());
  });
});
