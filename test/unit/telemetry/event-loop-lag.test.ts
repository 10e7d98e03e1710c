import { performance } from "node:perf_hooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EventLoopLag } from "../../../src/telemetry/event-loop-lag.js";

function blockFor(milliseconds: number) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function countAbove(lag: EventLoopLag, seconds: number): number {
  const { bounds, counts } = lag.snapshot();
  return counts.filter((_, bucket) => (bounds[bucket - 1] ?? 0) >= seconds).reduce((sum, count) => sum + count, 0);
}

describe("EventLoopLag", () => {
  const lag = new EventLoopLag();
  afterEach(() => lag.close());

  it("sees a loop that was blocked, and goes on sampling", async () => {
    expect(lag.snapshot().count).toBe(0);
    blockFor(300);
    await vi.waitFor(() => expect(countAbove(lag, 0.25)).toBeGreaterThan(0), { timeout: 5_000 });
    await vi.waitFor(() => expect(lag.snapshot().count).toBeGreaterThan(3), { timeout: 5_000 });
    expect(lag.snapshot().sumSeconds).toBeGreaterThan(0.25);
  });
});
