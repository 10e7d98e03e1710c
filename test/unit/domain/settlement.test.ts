import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { priceFrom, rate } from "../../../src/domain/money.js";
import { endsAt, settlementOf, type Usage, used } from "../../../src/domain/settlement.js";
import { MAX_AMOUNT } from "../../../src/domain/units.js";

const PRICES = {
  price: priceFrom({ input: rate(2n, 1n), cachedInput: rate(1n, 1n), output: rate(3n, 1n), page: rate(5n, 1n) }),
  annotatedPrice: priceFrom({ page: rate(7n, 1n) }),
};
const ESTIMATE = { inputTokens: 10, outputTokens: 20, cost: 80 };
const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};

describe("a settlement", () => {
  it.each(["succeeded", "failed", "cancelled"] as const)(
    "charges usage as it is reported, for a call that %s",
    (outcome) => {
      const usage = { ...NO_USAGE, inputTokens: 8, cachedInputTokens: 3, outputTokens: 1 };
      expect(settlementOf(PRICES, ESTIMATE, usage, outcome)).toEqual({ inputTokens: 8, outputTokens: 1, cost: 16 });
      expect(settlementOf(PRICES, ESTIMATE, NO_USAGE, outcome)).toEqual({ inputTokens: 0, outputTokens: 0, cost: 0 });
    },
  );

  it.each([
    ["succeeded", ESTIMATE],
    ["cancelled", ESTIMATE],
    ["failed", { inputTokens: 0, outputTokens: 0, cost: 0 }],
  ] as const)("without usage, for a call that %s", (outcome, expected) => {
    expect(settlementOf(PRICES, ESTIMATE, undefined, outcome)).toEqual(expected);
  });

  it("of annotated pages is at their price, and at the plain one where that is not known", () => {
    const usage = { ...NO_USAGE, pages: 4, annotatedPages: true };
    expect(used(PRICES, usage)?.cost).toBe(28);
    expect(used({ ...PRICES, annotatedPrice: undefined }, usage)?.cost).toBe(20);
    expect(used(PRICES, { ...usage, annotatedPages: false })?.cost).toBe(20);
  });

  it("without a price costs nothing, and counts what was used", () => {
    const usage = { ...NO_USAGE, inputTokens: 8 };
    expect(used({ price: undefined, annotatedPrice: undefined }, usage)).toEqual({
      inputTokens: 8,
      outputTokens: 0,
      cost: 0,
    });
  });

  it("that costs more than 2^53-1 is none", () => {
    expect(settlementOf(PRICES, ESTIMATE, { ...NO_USAGE, inputTokens: MAX_AMOUNT }, "succeeded")).toBeUndefined();
    expect(used(PRICES, { ...NO_USAGE, inputTokens: (MAX_AMOUNT - 1) / 2 })?.cost).toBe(MAX_AMOUNT - 1);
  });
});

describe("the end of a reservation", () => {
  it("is between 1 and 1.5 ttl away, at a multiple of half a ttl", () => {
    const ttl = fc.integer({ min: 1, max: 86_400 }).map((seconds) => seconds * 1_000);
    const property = fc.property(fc.nat({ max: 4e12 }), ttl, (now, ttlMs) => {
      const end = endsAt(now, ttlMs);
      expect(end % (ttlMs / 2)).toBe(0);
      expect(end - now).toBeGreaterThanOrEqual(ttlMs);
      expect(end - now).toBeLessThan(1.5 * ttlMs);
    });
    fc.assert(property, { numRuns: 1_000, seed: 1 });
  });

  it.each([
    [0, 900_000],
    [1, 1_350_000],
    [450_000, 1_350_000],
    [449_999, 1_350_000],
  ])("of one made at %d with 15 minutes is %d", (now, expected) => {
    expect(endsAt(now, 900_000)).toBe(expected);
  });
});
