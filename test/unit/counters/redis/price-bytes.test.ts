import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPrice, writePrice } from "../../../../src/counters/redis/price-bytes.js";
import { type Price, priceFrom, rate, times } from "../../../../src/domain/money.js";

type Exact = Price["exact"];
const PARTS = ["denominator", "input", "cachedInput", "output", "page", "audioSecond"] as const;

function priceOf(...numbers: readonly bigint[]): Price {
  const [denominator = 1n, input = 0n, cachedInput = 0n, output = 0n, page = 0n, audioSecond = 0n] = numbers;
  const exact: Exact = { denominator, input, cachedInput, output, page, audioSecond };
  const [a, b, c, d, e, f] = PARTS.map((part) => Number(exact[part]));
  return {
    denominator: a ?? 0,
    input: b ?? 0,
    cachedInput: c ?? 0,
    output: d ?? 0,
    page: e ?? 0,
    audioSecond: f ?? 0,
    exact,
  };
}

/** About as many of each width, and of what no double holds. */
const amount = fc.oneof(
  fc.constant(0n),
  ...[16n, 32n, 48n, 53n, 126n].map((bits) => fc.bigInt({ min: 0n, max: 2n ** bits })),
);
const denominator = fc.oneof(...[16n, 48n, 100n].map((bits) => fc.bigInt({ min: 1n, max: 2n ** bits })));

describe("a price in bytes", () => {
  it("is read as it was written, exactly, wherever it stands", () => {
    const around = fc.nat({ max: 40 });
    const numbers = fc.array(amount, { maxLength: 5 });
    const property = fc.property(denominator, numbers, around, around, (first, others, before, after) => {
      const price = priceOf(first, ...others);
      const bytes = writePrice(price);
      const all = Buffer.concat([Buffer.alloc(before, 7), bytes, Buffer.alloc(after, 9)]);
      expect(readPrice(all, before)).toEqual({ price, end: before + bytes.length });
    });
    fc.assert(property, { seed: 1, numRuns: 500 });
  });

  it("is none where its text holds no numbers", () => {
    expect(() => readPrice(Buffer.from([3, 0, ...Buffer.from("1,x")]), 0)).toThrow(RangeError);
  });

  it("may be none, and takes one byte then", () => {
    expect([...writePrice(undefined)]).toEqual([0]);
    expect(readPrice(Buffer.from([9, 0, 9]), 1)).toEqual({ price: undefined, end: 2 });
  });

  it.each([
    ["2 bytes a number, without zeros at the end", [1n, 2n, 1n, 3n], [4, 2, 1, 0, 2, 0, 1, 0, 3, 0]],
    ["2 bytes up to 2^16-1", [1n, 65_535n], [2, 2, 1, 0, 255, 255]],
    ["4 bytes from 2^16", [1n, 65_536n], [2, 4, 1, 0, 0, 0, 0, 0, 1, 0]],
    ["6 bytes from 2^32", [1n, 2n ** 32n], [2, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]],
    ["text from 2^48", [1n, 2n ** 48n], [17, 0, ...Buffer.from("1,281474976710656")]],
    ["one number for what is free", [1n], [1, 2, 1, 0]],
    ["zeros between", [3n, 0n, 0n, 0n, 0n, 7n], [6, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0]],
  ])("takes %s", (_, numbers, bytes) => {
    expect([...writePrice(priceOf(...numbers))]).toEqual(bytes);
  });

  it("holds the dearest and finest price that a policy can say", () => {
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    const factor = rate(most, 10n ** 9n);
    const token = times(rate(most, 1_000_000n), factor);
    const price = priceFrom({
      input: token,
      cachedInput: times(rate(most - 1n, 1_000_000n), factor),
      output: token,
      audioSecond: times(rate(most - 2n, 60n), factor),
    });
    expect(readPrice(writePrice(price), 0).price).toEqual(price);
  });
});
