import { describe, expect, it } from "vitest";
import { scrape } from "../../../src/telemetry/metrics.js";
import type { LimitUse, StoreStats } from "../../../src/telemetry/metrics-source.js";
import { open, PENDING, POLICY, read, SHARED, STATS } from "./opened-metrics.js";
import { parseScrape, type Scrape, sampleOf, select } from "./prometheus-text.js";

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

describe("a store that replicas share", () => {
  const SERIES = {
    windbreak_store_down_total: 4,
    windbreak_store_emptied_total: 1,
    windbreak_store_failed_calls_total: 5,
    windbreak_store_drift_lots_total: 8,
    windbreak_store_refusals_remembered_total: 900,
    windbreak_store_refusals_shared_total: 901,
    windbreak_reservations_in_doubt: 6,
    windbreak_reservations_in_doubt_dropped_total: 7,
  };
  const UNCOUNTED: StoreStats = { open: undefined, expired: undefined, remembered: undefined, counters: undefined };

  it("tells what this process saw of it, and nothing that it does not count", async () => {
    const found = await read(open({ stats: () => ({ ...UNCOUNTED, shared: SHARED }) }));
    expect(sampleOf(found, "windbreak_store_up")).toBe(1);
    const shown = Object.keys(SERIES).map((name) => [name, sampleOf(found, name)]);
    expect(Object.fromEntries(shown)).toEqual(SERIES);
    expect(select(found, "windbreak_reservations_open")).toEqual([]);
    expect(select(found, "windbreak_counters_held")).toEqual([]);
  });

  it("shows zeros from the start, so that the first time is a rise", async () => {
    const none = {
      isUp: true,
      down: 0,
      emptied: 0,
      failed: 0,
      driftedLots: 0,
      refusedHere: 0,
      refusalsShared: 0,
      inDoubt: 0,
      inDoubtDropped: 0,
    };
    const found = await read(open({ stats: () => ({ ...UNCOUNTED, shared: none }) }));
    expect(Object.keys(SERIES).map((name) => sampleOf(found, name))).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("has no series where the counters are this process's alone", async () => {
    const found = await read(open());
    expect(Object.keys(SERIES).flatMap((name) => select(found, name))).toEqual([]);
  });
});

describe("usage that waits for the store", () => {
  const WAITING = { waiting: 3, sent: 20, dropped: 1 };

  function seriesOf(found: Scrape) {
    return {
      waiting: sampleOf(found, "windbreak_usage_pending"),
      sent: sampleOf(found, "windbreak_usage_pending_sent_total"),
      dropped: sampleOf(found, "windbreak_usage_pending_dropped_total"),
    };
  }

  it("is told, from 0 on", async () => {
    expect(seriesOf(await read(open()))).toEqual(PENDING);
    expect(seriesOf(await read(open({ pending: () => WAITING })))).toEqual(WAITING);
  });

  it("is told also while the store is away, which is when it matters", async () => {
    const found = await read(open({ pending: () => WAITING, stats: () => undefined, limits: () => undefined }));
    expect(sampleOf(found, "windbreak_store_up")).toBe(0);
    expect(seriesOf(found)).toEqual(WAITING);
  });

  it("is told where the store does not answer the scrape", async () => {
    const failing = open({ pending: () => WAITING, stats: () => Promise.reject(new Error("connection refused")) });
    expect(seriesOf(parseScrape(await scrape(failing, () => undefined)))).toEqual(WAITING);
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
