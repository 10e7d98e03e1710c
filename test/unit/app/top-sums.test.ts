import fc from "fast-check";
import { expect, it } from "vitest";
import { TopSums } from "../../../src/app/top-sums.js";

const sums = (requests: number, cost: number, inputTokens = 0, outputTokens = 0) => ({
  requests,
  inputTokens,
  outputTokens,
  cost,
});

it("tells who spent most first, by money, then tokens, then requests, then name", async () => {
  const all = new TopSums();
  all.add("many-requests", sums(9, 5));
  all.add("b", sums(1, 5, 1, 1));
  all.add("a", sums(1, 5, 2, 0));
  all.add("dear", sums(1, 4));
  all.add("dear", sums(1, 2));
  const { named } = await all.top(10);
  expect(named.map(({ name }) => name)).toEqual(["dear", "a", "b", "many-requests"]);
  expect(named[0]).toEqual({ name: "dear", ...sums(2, 6) });
});

it("counts who is not named, and leaves out who used nothing", async () => {
  const all = new TopSums();
  all.add("a", sums(1, 3));
  all.add("b", sums(1, 2));
  all.add("c", sums(1, 1, 7, 8));
  all.add("open", sums(0, 0));
  expect(await all.top(1)).toEqual({
    named: [{ name: "a", ...sums(1, 3) }],
    others: { count: 2, ...sums(2, 3, 7, 8) },
    all: sums(3, 6, 7, 8),
  });
});

it("tells sums above 2^53-1 as that", async () => {
  const all = new TopSums();
  all.add("a", sums(1, Number.MAX_SAFE_INTEGER));
  all.add("a", sums(1, 1));
  all.add("b", sums(1, 1));
  const { named, all: total } = await all.top(2);
  expect([named[0]?.cost, total.cost]).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
});

it("loses nothing, however many there are and however few are named", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.record({ of: fc.nat({ max: 12_000 }), cost: fc.nat({ max: 1_000 }) }), { maxLength: 200 }),
    fc.integer({ min: 1, max: 20 }),
    async (more, count) => {
      const all = new TopSums();
      // More than are looked at at once.
      for (let nth = 0; nth < 12_000; nth++) all.add(`p${nth}`, sums(1, nth % 97));
      for (const { of, cost } of more) all.add(`p${of}`, sums(1, cost));
      const { named, others, all: total } = await all.top(count);
      const costs = named.map(({ cost }) => cost);
      expect(costs).toEqual(costs.toSorted((left, right) => right - left));
      expect(named.length + others.count).toBeGreaterThanOrEqual(12_000);
      expect(costs.reduce((sum, cost) => sum + cost, others.cost)).toBe(total.cost);
      expect(named.reduce((sum, { requests }) => sum + requests, others.requests)).toBe(12_000 + more.length);
    },
  );
  await fc.assert(property, { numRuns: 20, seed: 2030 });
});
