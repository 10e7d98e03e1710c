import { describe, expect, it } from "vitest";
import type { LimitRow } from "../../../src/page/answers.js";
import { project, windowStart } from "../../../src/page/projection.js";

const HOUR = 3_600_000;

function row(words: Partial<LimitRow>): LimitRow {
  return {
    name: "workspaces.dev.usd_per_hour",
    metric: "METRIC_NANO_USD",
    window: "WINDOW_HOUR",
    ceiling: "100",
    used: "0",
    reserved: "0",
    resets_at: new Date(10 * HOUR).toISOString(),
    scope_id: "dev",
    shadow: false,
    workspace: "dev",
    principal: "",
    ...words,
  };
}

describe("a projection", () => {
  const at = (part: number) => (9 + part) * HOUR;

  it("goes on at the pace of the window so far, and holds what is reserved", () => {
    expect(project(row({ used: "20", reserved: "5" }), at(0.25), "UTC")).toEqual({ amount: 85, fullAt: undefined });
  });

  it("says when nothing will be left", () => {
    expect(project(row({ used: "60", reserved: "10" }), at(0.5), "UTC")).toEqual({ amount: 130, fullAt: at(0.75) });
    expect(project(row({ used: "100" }), at(0.5), "UTC")).toEqual({ amount: 200, fullAt: undefined });
  });

  it("is not made of a window that slides, or has only begun", () => {
    expect(project(row({ window: "WINDOW_MINUTE", used: "5" }), at(0.5), "UTC")).toBeUndefined();
    expect(project(row({ used: "5" }), at(0.01), "UTC")).toBeUndefined();
    const { resets_at: _, ...inFlight } = row({ window: "WINDOW_IN_FLIGHT", used: "5" });
    expect(project(inFlight, at(0.5), "UTC")).toBeUndefined();
  });
});

describe("the start of a window", () => {
  it("of a month is its first day in the policy's time zone", () => {
    const start = (end: string, zone: string) =>
      new Date(windowStart("WINDOW_MONTH", Date.parse(end), zone) ?? 0).toISOString();
    expect(start("2026-03-01T00:00:00Z", "UTC")).toBe("2026-02-01T00:00:00.000Z");
    expect(start("2024-03-01T00:00:00Z", "UTC")).toBe("2024-02-01T00:00:00.000Z");
    expect(start("2026-01-31T23:00:00Z", "Europe/Paris")).toBe("2025-12-31T23:00:00.000Z");
    expect(start("2026-12-01T08:00:00Z", "America/Los_Angeles")).toBe("2026-11-01T08:00:00.000Z");
  });

  it("of shorter ones is their length before their end", () => {
    expect(windowStart("WINDOW_WEEK", 200 * HOUR, "UTC")).toBe(32 * HOUR);
    expect(windowStart("WINDOW_DAY", 200 * HOUR, "UTC")).toBe(176 * HOUR);
    expect(windowStart("WINDOW_SECOND", 200 * HOUR, "UTC")).toBeUndefined();
  });
});
