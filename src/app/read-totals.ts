import { setImmediate } from "node:timers/promises";
import { DAYS_KEPT } from "../domain/day.js";
import type { Desk } from "./desk.js";
import type { Away, CounterStore, Total } from "./ports.js";
import { type Told, TopSums } from "./top-sums.js";

/** What totals are told by. */
export const GROUPINGS = ["principal", "workspace", "model"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** By the labels of the first and the last; or one day, by how long ago it is. */
export type Days = { readonly first: number; readonly last: number } | { readonly daysAgo: number };

export interface TotalsAsked {
  readonly by: Grouping;
  readonly days: Days;
  /** At most so many are named, those who spent most. */
  readonly top: number;
}

export interface TotalsRead extends Told {
  readonly by: Grouping;
  /** The labels of the first and the last day that were asked for. */
  readonly first: number;
  readonly last: number;
  readonly timezone: string;
  /** The label of the earliest day of which anything is kept. */
  readonly keptSince: number;
}

/** Rows read at a time: a day's page takes a store in this process about a millisecond. */
const PAGE_SIZE = 1_000;

/**
 * Add up what was used on some days, by workspace, principal or model.
 *
 * Lets other calls through after each page, so that what comes meanwhile may be counted or not.
 */
export async function readTotals(desk: Desk, { by, days, top }: TotalsAsked): Promise<TotalsRead | Away> {
  const { calendar } = desk.snapshot();
  const today = calendar.at(desk.clock.now()).day.label;
  const { first, last } = "daysAgo" in days ? { first: today - days.daysAgo, last: today - days.daysAgo } : days;
  const keptSince = today - DAYS_KEPT + 1;
  const sums = new TopSums();
  for (let day = Math.max(first, keptSince); day <= Math.min(last, today); day++) {
    const away = await addDay(desk, day, (total) => sums.add(total[by], total));
    if (away) return away;
  }
  const told = await sums.top(top);
  return { by, first, last, timezone: calendar.timezone, keptSince, ...told };
}

/** Each row once, though pages may tell one twice. */
async function addDay(
  { store, clock }: { readonly store: CounterStore } & Pick<Desk, "clock">,
  day: number,
  add: (total: Total) => void,
): Promise<Away | undefined> {
  const seen = new Set<string>();
  let after: string | undefined = "";
  while (after !== undefined) {
    const page = await store.totals({ day, after, limit: PAGE_SIZE }, clock.now());
    if ("kind" in page) return page;
    for (const total of page.totals) {
      const name = `${total.workspace} ${total.principal} ${total.model}`;
      if (seen.has(name)) continue;
      seen.add(name);
      add(total);
    }
    after = page.next;
    await setImmediate();
  }
  return undefined;
}
