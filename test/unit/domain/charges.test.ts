import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chargeOf, fits } from "../../../src/domain/charges.js";
import { MAX_AMOUNT } from "../../../src/domain/units.js";

describe("a charge", () => {
  it.each([
    ["requests", 1],
    ["concurrent_requests", 1],
    ["tokens", 12],
    ["input_tokens", 7],
    ["output_tokens", 5],
    ["usd", 900],
  ] as const)("in %s is %d of what a call comes to", (metric, expected) => {
    expect(chargeOf(metric, { inputTokens: 7, outputTokens: 5, cost: 900 })).toBe(expected);
  });

  it("is a request even where nothing else is used, and 2^53-1 at the most", () => {
    expect(chargeOf("requests", { inputTokens: 0, outputTokens: 0, cost: 0 })).toBe(1);
    expect(chargeOf("tokens", { inputTokens: MAX_AMOUNT, outputTokens: MAX_AMOUNT, cost: 0 })).toBe(MAX_AMOUNT);
  });
});

describe("a ceiling", () => {
  it.each([
    [10, 0, 10, true],
    [10, 0, 11, false],
    [10, 9, 1, true],
    [10, 10, 1, false],
    [10, 10, 0, true],
    [10, 11, 0, false],
    [0, 0, 0, false],
    [0, 0, 1, false],
    [1, 0, 1, true],
    [MAX_AMOUNT, MAX_AMOUNT - 1, 1, true],
    [MAX_AMOUNT, MAX_AMOUNT, 1, false],
    [MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, false],
  ])("of %d with %d counted and a charge of %d: %s", (ceiling, counted, charge, expected) => {
    expect(fits(ceiling, counted, charge)).toBe(expected);
  });

  it("lets through what integers of any size would, two sums of counters included", () => {
    const near = fc.oneof(
      fc.maxSafeNat(),
      fc.nat({ max: 5 }),
      fc.nat({ max: 5 }).map((less) => MAX_AMOUNT - less),
    );
    const property = fc.property(near, near, near, near, (ceiling, used, reserved, charge) => {
      const exact = ceiling > 0 && BigInt(used) + BigInt(reserved) + BigInt(charge) <= BigInt(ceiling);
      expect(fits(ceiling, used + reserved, charge)).toBe(exact);
    });
    fc.assert(property, { numRuns: 1_000, seed: 1 });
  });
});
