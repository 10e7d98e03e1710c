import { describe, expect, it } from "vitest";
import { ChargedOnce } from "../../../../src/counters/memory/charged-once.js";

const caller = { principal: "ann", role: "developer", workspace: "dev" };

function costing(cost: number) {
  return { amounts: { inputTokens: 1, outputTokens: 0, cost }, caller, model: "small-1" };
}

describe("ChargedOnce", () => {
  it("remembers a cost, 0 too, for ten minutes", () => {
    const once = new ChargedOnce();
    once.remember("a", costing(0), 1_000);
    expect([
      once.find("a", 1_000)?.amounts.cost,
      once.find("a", 600_999)?.amounts.cost,
      once.find("a", 601_000)?.amounts.cost,
      once.find("b", 1_000)?.amounts.cost,
    ]).toEqual([0, 0, undefined, undefined]);
  });

  it("drops what it no longer remembers, so many at a time, the oldest first", () => {
    const once = new ChargedOnce();
    for (let at = 0; at < 5; at++) once.remember(`key-${at}`, costing(at), at);
    once.collect(10, 599_999);
    expect(once.size).toBe(5);
    once.collect(2, 600_003);
    expect(once.size).toBe(3);
    once.collect(10, 600_003);
    expect(once.size).toBe(1);
    expect(once.find("key-4", 600_003)?.amounts.cost).toBe(4);
  });

  it("remembers from the last time on what was charged anew", () => {
    const once = new ChargedOnce();
    once.remember("a", costing(1), 0);
    once.remember("b", costing(2), 1);
    once.remember("a", costing(3), 600_000);
    once.collect(10, 600_001);
    expect([once.size, once.find("a", 1_199_999)?.amounts.cost]).toEqual([1, 3]);
  });
});
