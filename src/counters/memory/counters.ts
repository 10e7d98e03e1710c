import { freesAt } from "../../domain/departure.js";
import type { Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { isCalendar, isSliding, leavesAt, type Windows } from "../../domain/window.js";
import { CounterRecords, type Ending, HEAD, LABEL, NEVER, NEXT_EVENT, RESERVED, USED } from "./counter-records.js";
import { addToSum, clearSum } from "./sums.js";

/**
 * All counters of this process, by slot.
 *
 * A counter is the sum of its lots and, in a calendar window, of what was used in it. The sums are kept, so that a
 * decision reads two numbers; `advance` brings them up to date when a lot has expired or slid out, or the window turned.
 */
export class Counters extends CounterRecords {
  #hand = 0;

  /** Bring a counter up to date. Every other method takes it to be so. */
  advance(slot: number, window: Window, windows: Windows, now: EpochMs): void {
    if (isCalendar(window)) {
      const label = windows[window].label;
      if (this.slab.f64(slot, LABEL) < label) {
        this.clear(slot);
        this.slab.setF64(slot, LABEL, label);
      }
    }
    if (now >= this.slab.f64(slot, NEXT_EVENT)) this.#fold(slot, window, now);
  }

  /** Add to what is reserved. */
  reserve(slot: number, window: Window, place: number, amount: number, { ends, givesBack }: Ending): void {
    if (amount === 0) return;
    addToSum(this.slab, slot, RESERVED, amount);
    this.addTo(slot, window, isSliding(window) ? place : 0, ends, givesBack || window === "in_flight", amount);
  }

  /** Take from what is reserved. What fell in a window that is over is gone already. */
  unreserve(slot: number, window: Window, place: number, amount: number, { ends, givesBack }: Ending): void {
    if (isCalendar(window) && this.slab.f64(slot, LABEL) !== place) return;
    const isGivenBack = givesBack || window === "in_flight";
    const lot = this.lots.find(this.head(slot), isSliding(window) ? place : 0, ends, isGivenBack);
    if (lot === 0) return;
    this.lots.add(lot, -amount);
    addToSum(this.slab, slot, RESERVED, -amount);
  }

  /** Change what is used, by a negative amount too. In a window that is over nothing changes. */
  use(slot: number, window: Window, place: number, amount: number, now: EpochMs): void {
    if (amount === 0 || window === "in_flight") return;
    if (isCalendar(window) ? this.slab.f64(slot, LABEL) !== place : leavesAt(window, place) <= now) return;
    addToSum(this.slab, slot, USED, amount);
    if (isSliding(window)) this.addTo(slot, window, place, 0, false, amount);
  }

  /** When all that is counted now will have left a sliding window; `now` where nothing is. */
  emptyAt(slot: number, window: Window, now: EpochMs): EpochMs {
    let last = now;
    for (let lot = this.head(slot); lot !== 0; lot = this.lots.next(lot)) {
      if (this.lots.amount(lot) > 0) last = Math.max(last, leavesAt(window, this.lots.place(lot)));
    }
    return last;
  }

  /**
   * Find when a charge would fit by time alone.
   *
   * @param turnsAt the end of the calendar window; undefined in others.
   * @returns undefined where it never would.
   */
  freesAt(
    slot: number,
    window: Window,
    ceiling: number,
    charge: number,
    turnsAt: EpochMs | undefined,
  ): EpochMs | undefined {
    const departures = this.lots.departures(this.head(slot), window, turnsAt ?? NEVER);
    return freesAt({ ceiling, charge, staying: isCalendar(window) ? this.used(slot) : 0, turnsAt }, departures);
  }

  /**
   * Look at some counters and drop those that count nothing, so that principals who went away leave nothing behind.
   * Each call goes on where the last one ended.
   */
  sweep(count: number, windows: Windows, now: EpochMs): void {
    for (let left = Math.min(count, this.slab.high); left > 0; left--) {
      this.#hand = this.#hand >= this.slab.high ? 1 : this.#hand + 1;
      const slot = this.#hand;
      const counter = this.counters[slot];
      if (!counter) continue;
      this.advance(slot, counter.window, windows, now);
      if (this.used(slot) === 0 && this.reserved(slot) === 0) this.drop(slot, counter);
    }
  }

  /** Let go of what slid out, end what expired, and add up the rest anew. */
  #fold(slot: number, window: Window, now: EpochMs): void {
    let lot = this.head(slot);
    let charged = 0;
    this.slab.setU32(slot, HEAD, 0);
    this.slab.setF64(slot, NEXT_EVENT, NEVER);
    clearSum(this.slab, slot, RESERVED);
    // In a calendar window what was used is in no lot: there the sum itself is what is kept.
    if (!isCalendar(window)) clearSum(this.slab, slot, USED);
    while (lot !== 0) {
      const next = this.lots.next(lot);
      const ends = this.lots.ends(lot);
      const isOver = ends !== 0 && ends <= now;
      const isGone = leavesAt(window, this.lots.place(lot)) <= now || (isOver && this.lots.givesBack(lot));
      if (isGone || this.lots.amount(lot) === 0) {
        this.lots.give(lot);
      } else if (isOver) {
        this.lots.setNext(lot, charged);
        charged = lot;
      } else {
        this.lots.addTo(this.slab, slot, ends === 0 ? USED : RESERVED, lot);
        this.keep(slot, window, lot);
      }
      lot = next;
    }
    while (charged !== 0) charged = this.#charge(slot, window, charged);
  }

  /** Make of a lot that expired what is used. @returns the next one in its chain. */
  #charge(slot: number, window: Window, lot: number): number {
    const next = this.lots.next(lot);
    this.lots.addTo(this.slab, slot, USED, lot);
    const used = this.lots.find(this.head(slot), this.lots.place(lot), 0, false);
    if (used !== 0) this.lots.merge(used, lot);
    if (isSliding(window) && used === 0) {
      this.lots.settle(lot);
      this.keep(slot, window, lot);
    } else {
      this.lots.give(lot);
    }
    return next;
  }
}
