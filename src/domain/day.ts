import type { EpochMs } from "./units.js";

const DAY_MS = 86_400_000;

/** How many days totals are kept, today's among them: this month and the last one whole. */
export const DAYS_KEPT = 64;

/** Write a day's label, which counts local dates since 1970, as a date: `2026-03-10`. */
export function formatDay(label: number): string {
  return new Date(label * DAY_MS).toISOString().slice(0, 10);
}

/** Read a date as a day's label; undefined for a text that is no date of this form. */
export function parseDay(date: string): number | undefined {
  const at: EpochMs = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : Number.NaN;
  // A date that no month has is read as a later one, or as none.
  return Number.isNaN(at) || formatDay(at / DAY_MS) !== date ? undefined : at / DAY_MS;
}

/** Read a month, `2026-03`, as the labels of its first day and its last. */
export function parseMonth(month: string): { readonly first: number; readonly last: number } | undefined {
  const first = parseDay(`${month}-01`);
  if (first === undefined) return undefined;
  const next = new Date(first * DAY_MS);
  next.setUTCMonth(next.getUTCMonth() + 1);
  return { first, last: next.getTime() / DAY_MS - 1 };
}
