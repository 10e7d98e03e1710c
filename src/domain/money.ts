import { MAX_AMOUNT, type NanoUsd, type Tokens } from "./units.js";

const NANO_DIGITS = 9;

/** An exact amount of nano-USD, which need not be whole: a second of audio at $0.004 a minute is 200000/3. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** What one unit of each kind costs, undefined where the catalogue names no price. */
export interface Rates {
  readonly inputToken: Fraction | undefined;
  readonly cachedInputToken: Fraction | undefined;
  readonly outputToken: Fraction | undefined;
  readonly page: Fraction | undefined;
  readonly annotatedPage: Fraction | undefined;
  readonly audioSecond: Fraction | undefined;
}

/**
 * Rates over one denominator, so that a sum of products is exact and is rounded once.
 * A unit that the endpoint does not charge for is 0 here; whether a price is missing is decided before.
 */
export interface Price extends Integers<number> {
  /** The same, for what a double does not hold: a price of nine places with a factor of nine. */
  readonly exact: Integers<bigint>;
}

interface Integers<Integer> {
  readonly denominator: Integer;
  readonly input: Integer;
  readonly cachedInput: Integer;
  readonly output: Integer;
  readonly page: Integer;
  readonly audioSecond: Integer;
}

/** Amounts that a call is charged for. */
export interface Billable {
  /** Cached tokens included. */
  readonly inputTokens: Tokens;
  readonly cachedInputTokens: Tokens;
  readonly outputTokens: Tokens;
  readonly pages: number;
  readonly audioSeconds: number;
}

/**
 * Price a call exactly and round it up once.
 *
 * @returns nano-USD, or undefined where the cost is above 2^53-1.
 */
export function costOf(price: Price, billable: Billable): NanoUsd | undefined {
  const sum =
    (billable.inputTokens - billable.cachedInputTokens) * price.input +
    billable.cachedInputTokens * price.cachedInput +
    billable.outputTokens * price.output +
    billable.pages * price.page +
    billable.audioSeconds * price.audioSecond;
  // Every term is at least 0, so a sum in range means that each product was, and that each was exact.
  if (sum > MAX_AMOUNT) return costOfLarge(price.exact, billable);

  // A denominator that is no exact double is above any such sum, and then the cost is 1 or nothing.
  const remainder = sum % price.denominator;
  return (sum - remainder) / price.denominator + (remainder > 0 ? 1 : 0);
}

function costOfLarge(price: Integers<bigint>, billable: Billable): NanoUsd | undefined {
  const sum =
    BigInt(billable.inputTokens - billable.cachedInputTokens) * price.input +
    BigInt(billable.cachedInputTokens) * price.cachedInput +
    BigInt(billable.outputTokens) * price.output +
    BigInt(billable.pages) * price.page +
    BigInt(billable.audioSeconds) * price.audioSecond;
  const cost = (sum + price.denominator - 1n) / price.denominator;
  return cost > BigInt(MAX_AMOUNT) ? undefined : Number(cost);
}

/**
 * Read a decimal number of USD exactly.
 *
 * @param text digits with at most nine decimal places, `_` allowed between digits: `0.15`, `1_000`.
 * @returns nano-USD, or undefined where the text is no such number. May be above 2^53-1.
 */
export function parseUsd(text: string): bigint | undefined {
  const match = /^(\d+(?:_\d+)*)(?:\.(\d{1,9}))?$/.exec(text);
  if (!match?.[1]) return undefined;
  return BigInt(match[1].replaceAll("_", "") + (match[2] ?? "").padEnd(NANO_DIGITS, "0"));
}

/** Nano-USD for `perUnits` units become the exact price of one. */
export function rate(nanoUsd: bigint, perUnits: bigint): Fraction {
  return { numerator: nanoUsd, denominator: perUnits };
}

/** Multiply a rate by another exact number, as a regional host's surcharge does. */
export function times(left: Fraction, right: Fraction): Fraction {
  return {
    numerator: left.numerator * right.numerator,
    denominator: left.denominator * right.denominator,
  };
}

/** A rate in whole nano-USD, rounded up: what is shown, never what is charged. */
export function wholeNanoUsd(fraction: Fraction): NanoUsd {
  return Number((fraction.numerator + fraction.denominator - 1n) / fraction.denominator);
}

/** What each unit of a call costs on one endpoint; a part left out is not charged for. */
export interface PriceParts {
  readonly input?: Fraction | undefined;
  readonly cachedInput?: Fraction | undefined;
  readonly output?: Fraction | undefined;
  readonly page?: Fraction | undefined;
  readonly audioSecond?: Fraction | undefined;
}

/** Bring the parts of a price over their least common denominator. */
export function priceFrom(parts: PriceParts): Price {
  const denominator = Object.values(parts)
    .filter((part): part is Fraction => part !== undefined)
    .map(({ numerator, denominator }) => denominator / gcd(numerator, denominator))
    .reduce((left, right) => (left / gcd(left, right)) * right, 1n);
  const over = (part: Fraction | undefined) =>
    part === undefined ? 0n : (part.numerator * denominator) / part.denominator;
  const exact = {
    denominator,
    input: over(parts.input),
    cachedInput: over(parts.cachedInput),
    output: over(parts.output),
    page: over(parts.page),
    audioSecond: over(parts.audioSecond),
  };
  return priceOver(exact);
}

/** A price from its exact integers, as `priceFrom` made them and a store kept them. */
export function priceOver(exact: Price["exact"]): Price {
  return {
    denominator: Number(exact.denominator),
    input: Number(exact.input),
    cachedInput: Number(exact.cachedInput),
    output: Number(exact.output),
    page: Number(exact.page),
    audioSecond: Number(exact.audioSecond),
    exact,
  };
}

function gcd(left: bigint, right: bigint): bigint {
  return right === 0n ? left : gcd(right, left % right);
}
