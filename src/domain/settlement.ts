import type { Amounts } from "./charges.js";
import { type Billable, costOf, type Price } from "./money.js";
import type { EpochMs, Millis } from "./units.js";

/** What a call really used, as its answer from Mistral says. */
export interface Usage extends Billable {
  readonly annotatedPages: boolean;
}

/** How a call ended, as far as its caller saw. */
export type Outcome = "succeeded" | "failed" | "cancelled";

/** The prices that a reservation fixed for its life. */
export interface FixedPrices {
  readonly price: Price | undefined;
  readonly annotatedPrice: Price | undefined;
}

/**
 * What a call is charged in the end: its usage as reported; without usage the estimate, or nothing where it failed.
 *
 * The request itself stays counted in every case, and is no longer in flight.
 *
 * @returns undefined where the cost is above 2^53-1 nano-USD.
 */
export function settlementOf(
  prices: FixedPrices,
  estimate: Amounts,
  usage: Usage | undefined,
  outcome: Outcome,
): Amounts | undefined {
  if (usage) return used(prices, usage);
  return outcome === "failed" ? { inputTokens: 0, outputTokens: 0, cost: 0 } : estimate;
}

/** Reported usage as amounts. An endpoint without a price costs 0 here: no limit in usd governed it. */
export function used(prices: FixedPrices, usage: Usage): Amounts | undefined {
  // A model whose annotated price is not known was not admitted under a limit in usd; its plain price is the nearest truth.
  const price = usage.annotatedPages ? (prices.annotatedPrice ?? prices.price) : prices.price;
  const cost = price ? costOf(price, usage) : 0;
  if (cost === undefined) return undefined;
  return { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens, cost };
}

/**
 * When a reservation made now ends if nobody settles it: after one ttl at the least, 1.5 at the most.
 *
 * Rounded up to a multiple of half a ttl, so that reservations end at few instants and can be counted together.
 */
export function endsAt(now: EpochMs, ttlMs: Millis): EpochMs {
  const grain = ttlMs / 2;
  return Math.ceil((now + ttlMs) / grain) * grain;
}
