import type { Departure } from "../../domain/departure.js";
import type { Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { leavesAt } from "../../domain/window.js";
import { Slab } from "./slab.js";
import { addSum, addToSum, copySum, readSum, SUM_BYTES, type Sum, writeSum } from "./sums.js";

const AMOUNT = 0;
const PLACE = AMOUNT + SUM_BYTES;
const ENDS = PLACE + 8;
const NEXT = ENDS + 8;
const GIVES_BACK = NEXT + 4;
const BYTES = GIVES_BACK + 4;

/** All that one lot holds. */
export interface LotState {
  readonly place: number;
  readonly ends: EpochMs;
  readonly givesBack: boolean;
  readonly amount: Sum;
}

/**
 * Parts of what counters hold. A lot is all that fell in the same place and ends at the same time in the same way.
 *
 * Reservations end at few instants (multiples of half a ttl), so a counter has few lots however many are open, and a
 * thousand reservations that expire together cost as much as one.
 */
export class Lots {
  readonly #slab = new Slab(BYTES);

  amount(lot: number): number {
    return readSum(this.#slab, lot, AMOUNT);
  }

  /** Change a lot's amount, by a negative one too. */
  add(lot: number, amount: number): void {
    addToSum(this.#slab, lot, AMOUNT, amount);
  }

  /** Add a lot's amount to a sum that stands elsewhere. */
  addTo(slab: Slab, slot: number, field: number, lot: number): void {
    addSum({ slab, slot, field }, { slab: this.#slab, slot: lot, field: AMOUNT });
  }

  /** Add a lot's amount to another lot. */
  merge(to: number, lot: number): void {
    this.addTo(this.#slab, to, AMOUNT, lot);
  }

  /** The step of a sliding window that the amount fell in; 0 in other windows. */
  place(lot: number): number {
    return this.#slab.f64(lot, PLACE);
  }

  /** When it expires; 0 for what is settled. */
  ends(lot: number): EpochMs {
    return this.#slab.f64(lot, ENDS);
  }

  /** Whether it is given back when it expires, rather than charged. */
  givesBack(lot: number): boolean {
    return this.#slab.u32(lot, GIVES_BACK) === 1;
  }

  /** The next lot of the same counter; 0: this is the last. */
  next(lot: number): number {
    return this.#slab.u32(lot, NEXT);
  }

  setNext(lot: number, next: number): void {
    this.#slab.setU32(lot, NEXT, next);
  }

  /** Make of what was reserved what is used, and ends no more. */
  settle(lot: number): void {
    this.#slab.setF64(lot, ENDS, 0);
  }

  /** The lot of a chain that such an amount belongs to; 0 where there is none yet. */
  find(head: number, place: number, ends: EpochMs, givesBack: boolean): number {
    for (let lot = head; lot !== 0; lot = this.next(lot)) {
      if (this.place(lot) === place && this.ends(lot) === ends && this.givesBack(lot) === givesBack) return lot;
    }
    return 0;
  }

  /** When each lot of a chain goes by time alone, `latest` at the latest, and how much of the counter goes with it. */
  departures(head: number, window: Window, latest: EpochMs): readonly Departure[] {
    const found: Departure[] = [];
    for (let lot = head; lot !== 0; lot = this.next(lot)) {
      const givenBackAt = this.givesBack(lot) ? this.ends(lot) : latest;
      const at = Math.min(givenBackAt, leavesAt(window, this.place(lot)), latest);
      found.push({ at, amount: this.amount(lot) });
    }
    return found;
  }

  /** Begin a lot of nothing. */
  take(place: number, ends: EpochMs, givesBack: boolean): number {
    const lot = this.#slab.take();
    this.#slab.setF64(lot, PLACE, place);
    this.#slab.setF64(lot, ENDS, ends);
    this.#slab.setU32(lot, GIVES_BACK, givesBack ? 1 : 0);
    return lot;
  }

  /** Copy all that a lot holds. */
  stateOf(lot: number): LotState {
    const amount = copySum(this.#slab, lot, AMOUNT);
    return { place: this.place(lot), ends: this.ends(lot), givesBack: this.givesBack(lot), amount };
  }

  /** Begin a lot that holds this. */
  restore({ place, ends, givesBack, amount }: LotState): number {
    const lot = this.take(place, ends, givesBack);
    writeSum(this.#slab, lot, AMOUNT, amount);
    return lot;
  }

  give(lot: number): void {
    this.#slab.give(lot);
  }
}
