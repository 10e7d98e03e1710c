import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Billable,
  costOf,
  type Fraction,
  type PriceParts,
  parseUsd,
  priceFrom,
  rate,
  times,
  wholeNanoUsd,
} from "../../../src/domain/money.js";
import { MAX_AMOUNT } from "../../../src/domain/units.js";

const NOTHING: Billable = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, pages: 0, audioSeconds: 0 };

/** The cost by fractions alone: each rate times its amount, added exactly, rounded up once. */
function exactCost(parts: PriceParts, amounts: Billable): bigint {
  const terms: [Fraction | undefined, number][] = [
    [parts.input, amounts.inputTokens - amounts.cachedInputTokens],
    [parts.cachedInput, amounts.cachedInputTokens],
    [parts.output, amounts.outputTokens],
    [parts.page, amounts.pages],
    [parts.audioSecond, amounts.audioSeconds],
  ];
  let sum: Fraction = { numerator: 0n, denominator: 1n };
  for (const [part, amount] of terms) {
    if (!part) continue;
    sum = {
      numerator: sum.numerator * part.denominator + part.numerator * BigInt(amount) * sum.denominator,
      denominator: sum.denominator * part.denominator,
    };
  }
  const whole = sum.numerator / sum.denominator;
  return whole * sum.denominator === sum.numerator ? whole : whole + 1n;
}

const price = fc.option(
  fc.record({
    nanoUsd: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 20_000_000 }), fc.maxSafeNat()),
    units: fc.constantFrom(1n, 60n, 1_000n, 1_000_000n),
  }),
  { nil: undefined },
);
const factor = fc.constantFrom(rate(1n, 1n), rate(11n, 10n), rate(1_123_456_789n, 1_000_000_000n));
const parts = fc
  .record({ factor, input: price, cachedInput: price, output: price, page: price, audioSecond: price })
  .map(
    ({ factor, ...prices }): PriceParts =>
      Object.fromEntries(
        Object.entries(prices).map(([name, it]) => [name, it && times(rate(BigInt(it.nanoUsd), it.units), factor)]),
      ),
  );
const amount = fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 1_000_000 }), fc.maxSafeNat());
const billable = fc
  .record({ inputTokens: amount, cachedInputTokens: amount, outputTokens: amount, pages: amount, audioSeconds: amount })
  .map((it) => ({ ...it, cachedInputTokens: Math.min(it.cachedInputTokens, it.inputTokens) }));

describe("a cost", () => {
  it("is the exact sum, rounded up once, whatever the prices and amounts", () => {
    const property = fc.property(parts, billable, (prices, amounts) => {
      const exact = exactCost(prices, amounts);
      expect(costOf(priceFrom(prices), amounts)).toBe(exact > BigInt(MAX_AMOUNT) ? undefined : Number(exact));
    });
    fc.assert(property, { numRuns: 2_000, seed: 1 });
  });

  it("never rounds down: one unit more never costs less", () => {
    const property = fc.property(
      parts,
      billable,
      fc.constantFrom("outputTokens", "pages", "audioSeconds"),
      (prices, amounts, more) => {
        const one = costOf(priceFrom(prices), amounts) ?? Number.POSITIVE_INFINITY;
        const two = costOf(priceFrom(prices), { ...amounts, [more]: amounts[more] + 1 }) ?? Number.POSITIVE_INFINITY;
        expect(two).toBeGreaterThanOrEqual(one);
      },
    );
    fc.assert(property, { seed: 1 });
  });

  it.each([
    ["seconds of audio at $0.004 a minute", { audioSecond: rate(4_000_000n, 60n) }, { audioSeconds: 1 }, 66_667],
    ["three of them, exactly", { audioSecond: rate(4_000_000n, 60n) }, { audioSeconds: 3 }, 200_000],
    ["a token at $0.15 a million", { input: rate(150_000_000n, 1_000_000n) }, { inputTokens: 1 }, 150],
    [
      "the same with a surcharge of a tenth",
      { input: times(rate(150_000_000n, 1_000_000n), rate(11n, 10n)) },
      { inputTokens: 1 },
      165,
    ],
    ["a surcharge that does not come out even", { input: times(rate(1n, 1n), rate(11n, 10n)) }, { inputTokens: 1 }, 2],
    [
      "the sum, not each part, rounded up",
      { input: rate(1n, 3n), output: rate(1n, 3n) },
      { inputTokens: 1, outputTokens: 2 },
      1,
    ],
    [
      "cached tokens apart from the others",
      { input: rate(10n, 1n), cachedInput: rate(1n, 1n) },
      { inputTokens: 5, cachedInputTokens: 3 },
      23,
    ],
    ["what has no price", { input: rate(10n, 1n) }, { outputTokens: 5, pages: 5, audioSeconds: 5 }, 0],
    ["nothing", { input: rate(10n, 3n) }, {}, 0],
    ["the most that can be counted", { input: rate(1n, 1n) }, { inputTokens: MAX_AMOUNT }, MAX_AMOUNT],
    [
      "the most in thirds",
      { input: rate(1n, 3n), output: rate(2n, 3n) },
      { inputTokens: MAX_AMOUNT, outputTokens: MAX_AMOUNT },
      MAX_AMOUNT,
    ],
    [
      "one more than can be counted",
      { input: rate(1n, 1n), page: rate(1n, 3n) },
      { inputTokens: MAX_AMOUNT, pages: 1 },
      undefined,
    ],
    ["far more than can be counted", { input: rate(9n, 1n) }, { inputTokens: MAX_AMOUNT }, undefined],
  ] satisfies [string, PriceParts, Partial<Billable>, number | undefined][])(
    "of %s",
    (_, prices, amounts, expected) => {
      expect(costOf(priceFrom(prices), { ...NOTHING, ...amounts })).toBe(expected);
    },
  );

  it("is exact where a price has nine places and its factor nine, which no double holds", () => {
    const dear = times(rate(123_456_789n, 1_000_000n), rate(1_123_456_789n, 1_000_000_000n));
    expect(costOf(priceFrom({ input: dear }), { ...NOTHING, inputTokens: 14_610_815 })).toBe(2_026_496_192);
    expect(costOf(priceFrom({ input: dear }), { ...NOTHING, inputTokens: 10_000_000_000_000 })).toBe(
      1_386_983_677_501_906,
    );
  });

  it("is exact where its denominator is more than a double holds", () => {
    const tiny = priceFrom({ input: rate(1n, 3n ** 40n), page: rate(1n, 1n) });
    expect(costOf(tiny, NOTHING)).toBe(0);
    expect(costOf(tiny, { ...NOTHING, inputTokens: MAX_AMOUNT })).toBe(1);
    expect(costOf(tiny, { ...NOTHING, pages: 7 })).toBe(7);
    expect(costOf(tiny, { ...NOTHING, pages: 7, inputTokens: 1 })).toBe(8);
  });
});

describe("a price", () => {
  it("stands over the least denominator that holds all its parts", () => {
    const { exact: _, ...shown } = priceFrom({
      input: rate(150_000_000n, 1_000_000n),
      output: rate(1n, 4n),
      audioSecond: rate(5n, 30n),
    });
    expect(shown).toEqual({ denominator: 12, input: 1_800, cachedInput: 0, output: 3, page: 0, audioSecond: 2 });
  });

  it("of nothing is free", () => {
    expect(priceFrom({})).toMatchObject({ denominator: 1, input: 0, output: 0 });
    expect(costOf(priceFrom({ input: rate(0n, 1_000_000n) }), { ...NOTHING, inputTokens: 77 })).toBe(0);
  });

  it("is shown in whole nano-USD, rounded up", () => {
    expect([rate(4_000_000n, 60n), rate(150n, 1n), rate(1n, 1_000_000n), rate(0n, 7n)].map(wholeNanoUsd)).toEqual([
      66_667, 150, 1, 0,
    ]);
  });
});

describe("an amount in USD", () => {
  it.each([
    ["0", 0n],
    ["0.15", 150_000_000n],
    ["3000", 3_000_000_000_000n],
    ["1_000", 1_000_000_000_000n],
    ["1_0_0.5", 100_500_000_000n],
    ["0.000000001", 1n],
    ["0.123456789", 123_456_789n],
    ["9007199.254740991", 9_007_199_254_740_991n],
    ["99999999999999999999", 99_999_999_999_999_999_999_000_000_000n],
  ])("reads %s exactly", (text, expected) => {
    expect(parseUsd(text)).toBe(expected);
  });

  it.each([
    "",
    ".",
    "1.",
    ".5",
    "-1",
    "+1",
    "1e3",
    "0x10",
    "1,5",
    "1 ",
    " 1",
    "_1",
    "1_",
    "1__0",
    "1._5",
    "1.5_0",
    "0.1234567890",
    "NaN",
    "١",
  ])("does not read %j", (text) => {
    expect(parseUsd(text)).toBeUndefined();
  });

  it("reads every whole number of nano-USD back as it is written", () => {
    const property = fc.property(fc.maxSafeNat(), (nanoUsd) => {
      const digits = String(nanoUsd).padStart(10, "0");
      expect(parseUsd(`${digits.slice(0, -9)}.${digits.slice(-9)}`)).toBe(BigInt(nanoUsd));
    });
    fc.assert(property, { seed: 1 });
  });
});
