import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalText, readNumber } from "../../../src/policy/number-text.js";

describe("readNumber", () => {
  test.each([
    ["0", 0n],
    ["100_000", 100_000_000_000_000n],
    ["-5", -5_000_000_000n],
    ["+5", 5_000_000_000n],
    ["0.1", 100_000_000n],
    [".5", 500_000_000n],
    ["5.", 5_000_000_000n],
    ["007", 7_000_000_000n],
    ["0x10", 16_000_000_000n],
    ["0o17", 15_000_000_000n],
    ["1e3", 1_000_000_000_000n],
    ["1.5E-3", 1_500_000n],
    ["0.000000001", 1n],
    ["9007199.254740991", 9_007_199_254_740_991n],
    ["9007199254740993", 9_007_199_254_740_993_000_000_000n],
    ["1_000.50", 1_000_500_000_000n],
  ])("reads %s exactly", (text, units) => {
    expect(readNumber(text)).toBe(units);
  });

  test.each([
    "",
    ".",
    "-",
    "_1",
    "1_",
    "1__0",
    "1.5_0",
    "0x",
    "1e",
    "e5",
    "1 000",
    "1,5",
    "½",
    "١",
    "ten",
    "0b1",
    "0x_1",
  ])("takes %j for text", (text) => {
    expect(readNumber(text)).toBeUndefined();
  });

  test.each([
    ["0.0000000001", 1e-10],
    ["0.1000000000", 0.1],
    ["1e-10", 1e-10],
    ["1e999", Number.POSITIVE_INFINITY],
    [".inf", Number.POSITIVE_INFINITY],
    ["-.INF", Number.POSITIVE_INFINITY],
    [".nan", Number.NaN],
    ["9".repeat(400), Number.POSITIVE_INFINITY],
  ])("keeps %s apart as a number that it does not hold", (text, number) => {
    expect(readNumber(text)).toBe(number);
  });

  test("answers at once for a text as long as a file", () => {
    const started = performance.now();
    expect(readNumber("1".repeat(4_000_000))).toBe(Number.POSITIVE_INFINITY);
    expect(readNumber(`${"1".repeat(4_000_000)}x`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

test("a number that is written is the number that is read", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (units) => {
      expect(readNumber(decimalText(units))).toBe(units);
    }),
  );
});
