import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { DEFINITIONS } from "../../../src/telemetry/definitions.js";
import { scrape } from "../../../src/telemetry/metrics.js";
import { RotationFacts } from "../../../src/telemetry/rotation-facts.js";
import { ALLOWED, DECISION_LOG, expectNoFault, open, read, SHARED, STATS, TLS } from "./opened-metrics.js";
import { parseScrape, sampleOf, select } from "./prometheus-text.js";

const POSTS = [{ target: "ops", outcome: "sent" as const, count: 1 }];
const PEERS = { connections: 2, cut: new Map([["pings", 1]]) };

function rotationsOf(): RotationFacts {
  const rotations = new RotationFacts();
  rotations.made("dev", Date.UTC(2026, 10, 21, 12));
  rotations.waits("dev", "retire");
  return rotations;
}

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
    const stats = () => ({ ...STATS, shared: SHARED });
    const all = { stats, tls: () => TLS, peers: () => PEERS, decisionLog: () => DECISION_LOG, alerts: () => POSTS };
    const { types } = await read(open({ ...all, rotations: () => rotationsOf() }));
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
