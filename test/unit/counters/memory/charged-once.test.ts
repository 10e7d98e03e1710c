import { describe, expect, it } from "vitest";
import { ChargedOnce } from "../../../../src/counters/memory/charged-once.js";

describe("ChargedOnce", () => {
  it("remembers a cost, 0 too, for ten minutes", () => {
    const once = new ChargedOnce();
    once.remember("a", 0, 1_000);
    expect([once.cost("a", 1_000), once.cost("a", 600_999), once.cost("a", 601_000), once.cost("b", 1_000)]).toEqual([
      0,
      0,
      undefined,
      undefined,
    ]);
  });

  it("drops what it no longer remembers, so many at a time, the oldest first", () => {
    const once = new ChargedOnce();
    for (let at = 0; at < 5; at++) once.remember(`key-${at}`, at, at);
    once.collect(10, 599_999);
    expect(once.size).toBe(5);
    once.collect(2, 600_003);
    expect(once.size).toBe(3);
    once.collect(10, 600_003);
    expect(once.size).toBe(1);
    expect(once.cost("key-4", 600_003)).toBe(4);
  });

  it("remembers from the last time on what was charged anew", () => {
    const once = new ChargedOnce();
    once.remember("a", 1, 0);
    once.remember("b", 2, 1);
    once.remember("a", 3, 600_000);
    once.collect(10, 600_001);
    expect([once.size, once.cost("a", 1_199_999)]).toEqual([1, 3]);
  });
});
