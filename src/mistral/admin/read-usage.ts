import type { Bill, SpendLimit } from "../../domain/bill.js";
import { isRecord } from "../json-value.js";
import { type Billed, billedIn, PriceList } from "./price-list.js";

type Fields = Readonly<Record<string, unknown>>;

/** What a category counts where its entries do not say: those alone are of calls that Windbreak decides. */
const EVENTS: ReadonlyMap<string, string> = new Map([
  ["completion", "api_tokens"],
  ["ocr", "api_pages"],
  ["audio", "api_audio_seconds"],
  ["audio_characters", "api_audio_characters"],
]);
const DECIDED: ReadonlySet<string> = new Set(EVENTS.values());
const CATEGORIES = [...EVENTS.keys(), "chat", "connectors", "libraries_api", "fine_tuning", "vibe_code"] as const;
const TOKEN_GROUPS: ReadonlySet<string> = new Set(["input", "cached", "output"]);
const NANO = 1e9;
/** Of objects within each other: deeper ones are none of the API's. */
const MOST_DEPTH = 8;

/** One amount that was used on a day. */
interface Entry {
  readonly billed: Billed;
  readonly used: number;
  /** The part that is paid for. */
  readonly paid: number;
}

/**
 * Read a month's usage as the Admin API tells it: by category and model, in lists of amounts, with prices apart.
 *
 * Categories and fields that it does not have yet, or has no more, are passed over.
 *
 * @returns undefined where it is no answer of that kind.
 */
export function readUsage(body: unknown): Bill | undefined {
  if (!isRecord(body) || !CATEGORIES.some((name) => isRecord(body[name]))) return undefined;
  const prices = new PriceList(body["prices"]);
  const unpriced = new Set<string>();
  let [cost, tokens, costElsewhere] = [0, 0, 0];
  for (const category of CATEGORIES) {
    for (const { billed, used, paid } of entriesIn(body[category], category)) {
      const price = prices.of(billed);
      if (price === undefined && paid > 0) unpriced.add(`${billed.metric} ${billed.group}`);
      const amount = paid * (price ?? 0) * NANO;
      if (billed.event === undefined || !DECIDED.has(billed.event)) {
        costElsewhere = sum(costElsewhere, amount);
        continue;
      }
      cost = sum(cost, amount);
      if (billed.event === "api_tokens" && TOKEN_GROUPS.has(billed.group)) tokens = sum(tokens, used);
    }
  }
  const currency = typeof body["currency"] === "string" ? body["currency"].toUpperCase() : undefined;
  return { currency, cost, tokens, costElsewhere, unpriced: [...unpriced].sort() };
}

/** Read what Mistral lets the organization spend; undefined where it is no answer of that kind. */
export function readSpendLimit(body: unknown): SpendLimit | undefined {
  const limits = isRecord(body) ? (body["limits"] ?? body) : undefined;
  const completion = isRecord(limits) ? limits["completion"] : undefined;
  if (!isRecord(limits) || !isRecord(completion)) return undefined;
  const amount = (name: string) => amountOf(completion[name]);
  return {
    currency: typeof limits["currency"] === "string" ? limits["currency"].toUpperCase() : undefined,
    used: amount("total_usage") ?? amount("usage"),
    limit: completion["no_monthly_limit"] === true ? undefined : amount("usage_limit"),
    isReached: completion["monthly_limit_reached"] === true,
  };
}

/** All entries below a category, which it may hold at any depth. */
function entriesIn(category: unknown, name: string): readonly Entry[] {
  const found: Entry[] = [];
  const walk = (value: unknown, path: readonly string[]): void => {
    if (path.length > MOST_DEPTH) return;
    if (Array.isArray(value)) {
      for (const item of value) if (isRecord(item)) found.push(...entryIn(item, name, path));
    } else if (isRecord(value)) {
      for (const [key, below] of Object.entries(value)) walk(below, [...path, key]);
    }
  };
  walk(category, []);
  return found;
}

/** What an entry does not say of itself, the path to it does: a model, as `alias::metric`, and a group. */
function entryIn(fields: Fields, category: string, path: readonly string[]): readonly Entry[] {
  const [model = "", group = ""] = path.slice(-2);
  const metric = model.split("::").at(-1) ?? model;
  const said = billedIn(fields);
  const used = amountOf(fields["value"]);
  const paid = amountOf(fields["value_paid"]) ?? used;
  if (paid === undefined) return [];
  const event = said.event ?? EVENTS.get(category);
  const { zone, tier } = said;
  return [
    {
      billed: { metric: said.metric ?? metric, group: said.group ?? group, event, zone, tier },
      used: used ?? paid,
      paid,
    },
  ];
}

/** Whole, and no more than a number holds exactly. */
function sum(before: number, amount: number): number {
  return Math.min(before + Math.round(amount), Number.MAX_SAFE_INTEGER);
}

/** Nothing is used or paid for less than not at all. */
function amountOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : undefined;
}
