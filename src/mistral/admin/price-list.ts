import { isRecord } from "../json-value.js";

/** What is billed, by the names that the Admin API has for it. */
export interface Billed {
  /** Mostly a model with its date. */
  readonly metric: string;
  /** `input`, `cached`, `output`, `pages`, … */
  readonly group: string;
  /** `api_tokens`, `api_pages`, …; undefined: not said. */
  readonly event: string | undefined;
  readonly zone: string | undefined;
  readonly tier: string | undefined;
}

interface Price extends Billed {
  readonly price: number;
}

const ZONE = "global";
const TIER = "standard";

/** The prices of one bill. A metric may have several for one group: by what is counted, where, and how fast. */
export class PriceList {
  readonly #prices: ReadonlyMap<string, readonly Price[]>;

  /** Read `prices`; what is no price there is passed over. */
  constructor(prices: unknown) {
    const found = new Map<string, Price[]>();
    for (const item of Array.isArray(prices) ? prices : []) {
      const price = isRecord(item) ? priceIn(item) : undefined;
      if (!price) continue;
      const name = `${price.metric} ${price.group}`;
      found.set(name, [...(found.get(name) ?? []), price]);
    }
    this.#prices = found;
  }

  /**
   * The price of one unit, in the currency; undefined: there is none.
   *
   * Another event's price is none: a second of audio costs a hundred times what a token does. Of another zone or tier it
   * is better than nothing.
   */
  of(billed: Billed): number | undefined {
    const { zone = ZONE, tier = TIER } = billed;
    const misfit = (price: Price) =>
      (price.zone === undefined || price.zone === zone ? 0 : 2) +
      (price.tier === undefined || price.tier === tier ? 0 : 1);
    const fitting = (this.#prices.get(`${billed.metric} ${billed.group}`) ?? []).filter(
      ({ event }) => event === undefined || billed.event === undefined || event === billed.event,
    );
    return fitting.toSorted((left, right) => misfit(left) - misfit(right))[0]?.price;
  }
}

/** Read the names of what is billed from an entry or a price. */
export function billedIn(fields: Readonly<Record<string, unknown>>): Partial<Billed> {
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [metric, group] = [text("billing_metric"), text("billing_group")];
  return {
    ...(metric === undefined ? {} : { metric }),
    ...(group === undefined ? {} : { group }),
    event: text("event_type"),
    zone: text("api_zone"),
    tier: text("service_tier"),
  };
}

/** Prices are numbers or texts. */
function priceIn(fields: Readonly<Record<string, unknown>>): Price | undefined {
  const { metric, group, event, zone, tier } = billedIn(fields);
  const written = fields["price"];
  const price = typeof written === "string" && written.trim() !== "" ? Number(written) : written;
  if (metric === undefined || group === undefined) return undefined;
  return typeof price === "number" && Number.isFinite(price) && price >= 0
    ? { metric, group, event, zone, tier, price }
    : undefined;
}
