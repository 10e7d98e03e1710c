import type { Model } from "../domain/model.js";
import { type Fraction, parseUsd, type Rates, rate } from "../domain/money.js";
import type { CatalogueEntry } from "./catalogue.js";
import type { ModelRule } from "./model-schema.js";

const PER_MILLION = 1_000_000n;
const SECONDS = 60n;

/** A catalogue entry as the domain knows it. @throws Error for a price that is no decimal: then the table is wrong. */
export function modelOfEntry({ prices, ...entry }: CatalogueEntry): Model {
  const nano = (text: string | undefined) => (text === undefined ? undefined : nanoOf(text, entry.id));
  const { input, output, page } = prices;
  return {
    id: entry.id,
    names: [entry.id, ...entry.aliases],
    endpoints: entry.endpoints,
    contextLength: entry.contextLength,
    maxOutputTokens: entry.maxOutputTokens,
    rates: {
      inputToken: over(nano(input), PER_MILLION),
      cachedInputToken: over(nano(prices.cachedInput), PER_MILLION),
      outputToken: over(nano(output), PER_MILLION),
      page: over(nano(page), 1n),
      annotatedPage: over(nano(prices.annotatedPage), 1n),
      audioSecond: over(nano(prices.audioMinute), SECONDS),
    },
  };
}

function nanoOf(text: string, id: string): bigint {
  const amount = parseUsd(text);
  if (amount === undefined) throw new Error(`the catalogue gives ${id} the price ${text}, which is no decimal`);
  return amount;
}

/** The rates that a file's entry comes to: its own prices, and for what it does not price those of its base. */
export function ratesOf({ free, prices = {} }: ModelRule, base: Rates | undefined): Rates {
  if (free) return FREE;
  const own = (price: number | undefined, units: bigint, inherited: Fraction | undefined) =>
    price === undefined ? inherited : over(BigInt(price), units);
  return {
    inputToken: own(prices.input, PER_MILLION, base?.inputToken),
    cachedInputToken: own(prices.cached_input, PER_MILLION, base?.cachedInputToken),
    outputToken: own(prices.output, PER_MILLION, base?.outputToken),
    page: own(prices.page, 1n, base?.page),
    annotatedPage: own(prices.annotated_page, 1n, base?.annotatedPage),
    audioSecond: own(prices.audio_minute, SECONDS, base?.audioSecond),
  };
}

function over(price: bigint | undefined, units: bigint): Fraction | undefined {
  return price === undefined ? undefined : rate(price, units);
}

const NOTHING: Fraction = { numerator: 0n, denominator: 1n };
const FREE: Rates = {
  inputToken: NOTHING,
  cachedInputToken: NOTHING,
  outputToken: NOTHING,
  page: NOTHING,
  annotatedPage: NOTHING,
  audioSecond: NOTHING,
};
