import type { Page, TotalPage } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import { DAYS_KEPT } from "../../domain/day.js";
import type { EpochMs } from "../../domain/units.js";
import { readTotal, type TotalState, type Used } from "./total-names.js";
import { TotalRows } from "./total-rows.js";

/**
 * How many rows a day has before principals share one: names of principals are their callers' choice.
 * The same in every store: `lua/totals.lua`.
 */
export const MOST_ROWS = 20_000;

interface Day {
  readonly slots: Map<string, number>;
  /** In the order in which they were made. */
  readonly keys: string[];
}

/** Which row of which day. */
export interface TotalPlace {
  readonly day: number;
  readonly key: string;
}

/**
 * What was used on each day, by workspace, principal and model.
 *
 * Like a counter, a row holds what open reservations will be charged if they expire, by when they end: so what has
 * expired is counted when the row is read, and nothing has to be done at its end.
 */
export class Totals {
  readonly #rows = new TotalRows();
  readonly #days = new Map<number, Day>();
  readonly #mostRows: number;
  #firstKept = 0;

  constructor(mostRows = MOST_ROWS) {
    this.#mostRows = mostRows;
  }

  /** Whether a row is yet to be made on a day that has no room for it. */
  isBeyond({ day, key }: TotalPlace): boolean {
    const rows = this.#days.get(day);
    return rows !== undefined && rows.keys.length >= this.#mostRows && !rows.slots.has(key);
  }

  /** Say what one more request will be charged if nobody settles it. */
  hold(place: TotalPlace, amounts: Amounts, ends: EpochMs, now: EpochMs): void {
    const row = this.#findOrMake(place);
    if (row !== 0) this.#rows.hold(row, amounts, ends, now);
  }

  /** Take back what `hold` said. */
  giveBack(place: TotalPlace, amounts: Amounts, ends: EpochMs): void {
    const row = this.#findOrMake(place);
    if (row !== 0) this.#rows.giveBack(row, amounts, ends);
  }

  /** Change what was used, by negative amounts too. */
  use(place: TotalPlace, used: Used, now: EpochMs): void {
    const row = this.#findOrMake(place);
    if (row !== 0) this.#rows.use(row, used, now);
  }

  /** Let go of the days that are no longer kept on this one. */
  turnTo(day: number): void {
    this.#firstKept = Math.max(this.#firstKept, day - DAYS_KEPT + 1);
    for (const [label, { slots, keys }] of this.#days) {
      if (label >= this.#firstKept) continue;
      for (const row of slots.values()) this.#rows.drop(row);
      this.#days.delete(label);
      // Whoever is going through them has come to the end.
      slots.clear();
      keys.length = 0;
    }
  }

  /** The rows of a day, a page at a time, in the order in which they were made. */
  page(day: number, { after, limit }: Page, now: EpochMs): TotalPage {
    const rows = this.#days.get(day);
    const first = Number(after);
    const keys = rows?.keys.slice(first, first + limit) ?? [];
    const totals = keys.map((key) => readTotal(key, this.#rows.used(rows?.slots.get(key) ?? 0, now)));
    const end = first + keys.length;
    return { totals, next: rows && end < rows.keys.length ? String(end) : undefined };
  }

  /** Every row of every day; what is made meanwhile comes too. */
  *places(): Iterable<TotalPlace> {
    for (const [day, { slots }] of this.#days) for (const key of slots.keys()) yield { day, key };
  }

  /** All that a row holds; undefined where there is none. */
  stateOf({ day, key }: TotalPlace): TotalState | undefined {
    const row = this.#days.get(day)?.slots.get(key);
    return row === undefined ? undefined : this.#rows.stateOf(row);
  }

  /** Make a row hold this, and nothing that it held before. */
  restore(place: TotalPlace, state: TotalState): void {
    const row = this.#findOrMake(place);
    if (row !== 0) this.#rows.restore(row, state);
  }

  /** @returns 0 for a day that is no longer kept. */
  #findOrMake({ day, key }: TotalPlace): number {
    const rows = this.#days.get(day) ?? this.#begin(day);
    if (!rows) return 0;
    const known = rows.slots.get(key);
    if (known !== undefined) return known;
    const made = this.#rows.make();
    rows.slots.set(key, made);
    rows.keys.push(key);
    return made;
  }

  #begin(day: number): Day | undefined {
    if (day < this.#firstKept) return undefined;
    const rows = { slots: new Map<string, number>(), keys: [] };
    this.#days.set(day, rows);
    return rows;
  }
}
