import { describe, expect, it } from "vitest";
import { StoreClock } from "../../../../src/counters/redis/store-clock.js";
import { FakeClock } from "../../../support/fake-clock.js";

function clockAt(start: string) {
  const own = new FakeClock(start);
  let steady = 5_000;
  const clock = new StoreClock(own, () => steady);
  return {
    clock,
    at: own.now(),
    pass: (ms: number) => {
      steady += ms;
    },
  };
}

describe("the store's clock", () => {
  it("goes by this process's own time until the store has said its time, and then by a steady one", () => {
    const { clock, at, pass } = clockAt("2026-03-10T12:00:00Z");
    expect(clock.now()).toBe(at);
    pass(1_500);
    expect(clock.now()).toBe(at + 1_500);
  });

  it("goes on from what the store said last", () => {
    const { clock, at, pass } = clockAt("2026-03-10T12:00:00Z");
    clock.hear(at + 60_000);
    expect(clock.now()).toBe(at + 60_000);
    pass(250);
    expect(clock.now()).toBe(at + 60_250);
    clock.hear(at + 60_300);
    expect(clock.now()).toBe(at + 60_300);
  });

  it("tells whole milliseconds, never a later one than was heard", () => {
    const { clock, at, pass } = clockAt("2026-03-10T12:00:00Z");
    clock.hear(at + 10);
    pass(0.75);
    expect(clock.now()).toBe(at + 10);
    pass(0.25);
    expect(clock.now()).toBe(at + 11);
  });

  it("stands still rather than going back, until the store's time has come to where it was", () => {
    const { clock, at, pass } = clockAt("2026-03-10T12:00:00Z");
    clock.hear(at + 1_000);
    expect(clock.now()).toBe(at + 1_000);
    clock.hear(at + 200);
    const told = [0, 400, 399, 1, 1].map((ms) => {
      pass(ms);
      return clock.now() - at;
    });
    expect(told).toEqual([1_000, 1_000, 1_000, 1_000, 1_001]);
  });

  it("is not held back by a time that was never told", () => {
    const { clock, at } = clockAt("2026-03-10T12:00:00Z");
    clock.hear(at + 1_000);
    clock.hear(at - 1_000);
    expect(clock.now()).toBe(at - 1_000);
  });
});
