import type { EpochMs } from "../../domain/units.js";
import { Slab } from "./slab.js";

const AMOUNT = 0;
const PLACE = 8;
const ENDS = 16;
const NEXT = 24;
const GIVES_BACK = 28;
const BYTES = 32;

/**
 * Parts of what counters hold. A lot is all that fell in the same place and ends at the same time in the same way.
 *
 * Reservations end at few instants (multiples of half a ttl), so a counter has few lots however many are open, and a
 * thousand reservations that expire together cost as much as one.
 */
export class Lots {
  readonly #slab = new Slab(BYTES);

  amount(lot: number): number {
    return this.#slab.f64(lot, AMOUNT);
  }

  setAmount(lot: number, amount: number): void {
    this.#slab.setF64(lot, AMOUNT, amount);
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

  /** The lot of a chain that such an amount belongs to; 0 where there is none yet. */
  find(head: number, place: number, ends: EpochMs, givesBack: boolean): number {
    for (let lot = head; lot !== 0; lot = this.next(lot)) {
      if (this.place(lot) === place && this.ends(lot) === ends && this.givesBack(lot) === givesBack) return lot;
    }
    return 0;
  }

  /** Begin a lot, before `next` in its chain. */
  take(place: number, ends: EpochMs, givesBack: boolean, amount: number, next: number): number {
    const lot = this.#slab.take();
    this.#slab.setF64(lot, AMOUNT, amount);
    this.#slab.setF64(lot, PLACE, place);
    this.#slab.setF64(lot, ENDS, ends);
    this.#slab.setU32(lot, NEXT, next);
    this.#slab.setU32(lot, GIVES_BACK, givesBack ? 1 : 0);
    return lot;
  }

  give(lot: number): void {
    this.#slab.give(lot);
  }
}
