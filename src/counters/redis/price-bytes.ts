import { type Price, priceOver } from "../../domain/money.js";

/** How many bytes a number of a price takes: the least that holds them all. */
const WIDTHS = [2, 4, 6] as const;
const NO_PRICE = Buffer.from([0]);
/** Decimal text, where a number is above what six bytes hold. */
const AS_TEXT = 0;

const written = new WeakMap<Price, Buffer>();

/** Write a price as `lua/record.lua` lays it out; undefined: none. */
export function writePrice(price: Price | undefined): Buffer {
  if (!price) return NO_PRICE;
  const known = written.get(price);
  if (known) return known;
  const { denominator, input, cachedInput, output, page, audioSecond } = price.exact;
  const numbers = [denominator, input, cachedInput, output, page, audioSecond];
  while (numbers.at(-1) === 0n) numbers.pop();
  const width = WIDTHS.find((bytes) => numbers.every((number) => number < 2n ** BigInt(8 * bytes)));
  const bytes = width === undefined ? asText(numbers) : asNumbers(numbers, width);
  written.set(price, bytes);
  return bytes;
}

function asNumbers(numbers: readonly bigint[], width: number): Buffer {
  const bytes = Buffer.alloc(2 + numbers.length * width);
  bytes.writeUInt8(numbers.length, 0);
  bytes.writeUInt8(width, 1);
  for (const [nth, number] of numbers.entries()) bytes.writeUIntLE(Number(number), 2 + nth * width, width);
  return bytes;
}

function asText(numbers: readonly bigint[]): Buffer {
  const text = numbers.join(",");
  return Buffer.concat([Buffer.from([text.length, AS_TEXT]), Buffer.from(text)]);
}

/** Read the price at a place, and where it ends. @throws RangeError for bytes that are none. */
export function readPrice(bytes: Buffer, at: number): { readonly price: Price | undefined; readonly end: number } {
  const count = bytes.readUInt8(at);
  if (count === 0) return { price: undefined, end: at + 1 };
  const width = bytes.readUInt8(at + 1);
  const start = at + 2;
  const end = start + (width === AS_TEXT ? count : count * width);
  const numbers =
    width === AS_TEXT
      ? bytes.toString("latin1", start, end).split(",").map(integerOf)
      : Array.from({ length: count }, (_, nth) => BigInt(bytes.readUIntLE(start + nth * width, width)));
  return { price: priceOf(numbers), end };
}

function integerOf(text: string): bigint {
  if (!/^\d+$/.test(text)) throw new RangeError("a price of no numbers");
  return BigInt(text);
}

function priceOf(numbers: readonly bigint[]): Price {
  const [denominator = 1n, input = 0n, cachedInput = 0n, output = 0n, page = 0n, audioSecond = 0n] = numbers;
  return priceOver({ denominator, input, cachedInput, output, page, audioSecond });
}
