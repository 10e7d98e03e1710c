import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ChargedOnce, onceKey } from "../../../../src/counters/memory/charged-once.js";

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

  it("forgets the oldest before its time where there are too many", () => {
    const once = new ChargedOnce();
    for (let at = 0; at < 250_002; at++) once.remember(`key-${at}`, costing(at), 0);
    expect(once.size).toBe(250_000);
    expect([1, 2, 250_001].map((at) => once.find(`key-${at}`, 0)?.amounts.cost)).toEqual([undefined, 2, 250_001]);
  });
});

describe("the key of usage", () => {
  it("is another for each kind of id, scope and id", () => {
    const scope = { workspace: "dev", principal: "ann" };
    const long = "x".repeat(65);
    const names = [
      { reservationId: "a" },
      { ...scope, requestId: "a" },
      { ...scope, principal: "bob", requestId: "a" },
      { ...scope, workspace: "prod", requestId: "a" },
      { reservationId: "dev ann a" },
      { reservationId: long },
      { reservationId: `${long}x` },
      { reservationId: createHash("sha256").update(long).digest("base64") },
    ];
    expect(new Set(names.map(onceKey)).size).toBe(names.length);
  });

  it("is short, however long the id", () => {
    expect(onceKey({ reservationId: "x".repeat(512) }).length).toBeLessThan(80);
    expect(onceKey({ reservationId: "é".repeat(512) }).length).toBeLessThan(80);
  });
});
