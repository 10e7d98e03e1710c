import type { Counter } from "../../domain/caller.js";
import { fits } from "../../domain/charges.js";
import type { Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { isCalendar, isSliding, leavesAt, type Windows } from "../../domain/window.js";
import { Lots } from "./lots.js";
import { Slab } from "./slab.js";
import { StringIndex } from "./string-index.js";
import { addToSum, clearSum, readSum, SUM_BYTES } from "./sums.js";

const USED = 0;
const RESERVED = USED + SUM_BYTES;
const NEXT_EVENT = RESERVED + SUM_BYTES;
const LABEL = NEXT_EVENT + 8;
const HEAD = LABEL + 8;
const GENERATION = HEAD + 4;
const BYTES = GENERATION + 4;

const NEVER = Number.POSITIVE_INFINITY;

/** How a reserved amount ends when nobody settles it. */
export interface Ending {
  readonly ends: EpochMs;
  /** Given back, rather than charged. What is in flight is never used, so it is given back whatever this says. */
  readonly givesBack: boolean;
}

/**
 * All counters of this process, by slot.
 *
 * A counter is the sum of its lots and, in a calendar window, of what was used in it. The sums are kept, so that a
 * decision reads two numbers; `advance` brings them up to date when a lot has expired or slid out, or the window turned.
 */
export class Counters {
  readonly #slab = new Slab(BYTES);
  readonly #lots = new Lots();
  readonly #index = new StringIndex();
  readonly #counters: (Counter | undefined)[] = [];
  #made = 0;
  #hand = 0;

  get size(): number {
    return this.#slab.size;
  }

  /** The slot of a counter; 0 where nothing is counted by it. */
  find(counter: Counter): number {
    return this.#index.get(counter.key);
  }

  /** The slot of a counter, made where there is none. */
  findOrMake(counter: Counter): number {
    const found = this.find(counter);
    if (found !== 0) return found;
    const slot = this.#slab.take();
    this.#slab.setU32(slot, GENERATION, ++this.#made);
    this.#slab.setF64(slot, NEXT_EVENT, NEVER);
    this.#index.set(counter.key, slot);
    this.#counters[slot] = counter;
    return slot;
  }

  /** A number that changes when the slot comes to mean another counter. */
  generation(slot: number): number {
    return this.#slab.u32(slot, GENERATION);
  }

  used(slot: number): number {
    return readSum(this.#slab, slot, USED);
  }

  reserved(slot: number): number {
    return readSum(this.#slab, slot, RESERVED);
  }

  /** Bring a counter up to date. Every other method takes it to be so. */
  advance(slot: number, window: Window, windows: Windows, now: EpochMs): void {
    if (isCalendar(window)) {
      const label = windows[window].label;
      if (this.#slab.f64(slot, LABEL) < label) {
        this.#clear(slot);
        this.#slab.setF64(slot, LABEL, label);
      }
    }
    if (now >= this.#slab.f64(slot, NEXT_EVENT)) this.#fold(slot, window, now);
  }

  /** Add to what is reserved. */
  reserve(slot: number, window: Window, place: number, amount: number, { ends, givesBack }: Ending): void {
    if (amount === 0) return;
    addToSum(this.#slab, slot, RESERVED, amount);
    this.#addTo(slot, window, isSliding(window) ? place : 0, ends, givesBack || window === "in_flight", amount);
  }

  /** Take from what is reserved. What fell in a window that is over is gone already. */
  unreserve(slot: number, window: Window, place: number, amount: number, { ends, givesBack }: Ending): void {
    if (isCalendar(window) && this.#slab.f64(slot, LABEL) !== place) return;
    const isGivenBack = givesBack || window === "in_flight";
    const lot = this.#lots.find(this.#head(slot), isSliding(window) ? place : 0, ends, isGivenBack);
    if (lot === 0) return;
    this.#lots.add(lot, -amount);
    addToSum(this.#slab, slot, RESERVED, -amount);
  }

  /** Change what is used, by a negative amount too. In a window that is over nothing changes. */
  use(slot: number, window: Window, place: number, amount: number, now: EpochMs): void {
    if (amount === 0 || window === "in_flight") return;
    if (isCalendar(window) ? this.#slab.f64(slot, LABEL) !== place : leavesAt(window, place) <= now) return;
    addToSum(this.#slab, slot, USED, amount);
    if (isSliding(window)) this.#addTo(slot, window, place, 0, false, amount);
  }

  /** When all that is counted now will have left a sliding window; `now` where nothing is. */
  emptyAt(slot: number, window: Window, now: EpochMs): EpochMs {
    let last = now;
    for (let lot = this.#head(slot); lot !== 0; lot = this.#lots.next(lot)) {
      if (this.#lots.amount(lot) > 0) last = Math.max(last, leavesAt(window, this.#lots.place(lot)));
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
    if (!fits(ceiling, 0, charge)) return undefined;
    const leaving = this.#lots
      .departures(this.#head(slot), window, turnsAt ?? NEVER)
      .sort((left, right) => right.at - left.at);

    // From the last one back, because a sum that has passed 2^53-1 can be added to, but not taken from.
    let staying = isCalendar(window) ? this.used(slot) : 0;
    let freesAt = turnsAt;
    for (const { at, amount } of leaving) {
      if (!fits(ceiling, staying, charge)) break;
      freesAt = at;
      staying += amount;
    }
    return freesAt;
  }

  /**
   * Look at some counters and drop those that count nothing, so that principals who went away leave nothing behind.
   * Each call goes on where the last one ended.
   */
  sweep(count: number, windows: Windows, now: EpochMs): void {
    for (let left = Math.min(count, this.#slab.high); left > 0; left--) {
      this.#hand = this.#hand >= this.#slab.high ? 1 : this.#hand + 1;
      const slot = this.#hand;
      const counter = this.#counters[slot];
      if (!counter) continue;
      this.advance(slot, counter.window, windows, now);
      if (this.used(slot) === 0 && this.reserved(slot) === 0) this.#drop(slot, counter);
    }
  }

  /** The counters after a slot, with their slots, in order. */
  *after(slot: number): Iterable<readonly [number, Counter]> {
    for (let at = slot + 1; at <= this.#slab.high; at++) {
      const counter = this.#counters[at];
      if (counter) yield [at, counter];
    }
  }

  #drop(slot: number, counter: Counter): void {
    this.#clear(slot);
    this.#index.delete(counter.key);
    this.#counters[slot] = undefined;
    this.#slab.setU32(slot, GENERATION, 0);
    this.#slab.give(slot);
  }

  #head(slot: number): number {
    return this.#slab.u32(slot, HEAD);
  }

  #addTo(slot: number, window: Window, place: number, ends: EpochMs, givesBack: boolean, amount: number): void {
    const head = this.#head(slot);
    const lot = this.#lots.find(head, place, ends, givesBack);
    if (lot !== 0) {
      this.#lots.add(lot, amount);
      return;
    }
    const made = this.#lots.take(place, ends, givesBack);
    this.#lots.add(made, amount);
    this.#keep(slot, window, made);
  }

  #clear(slot: number): void {
    for (let lot = this.#head(slot); lot !== 0; ) {
      const next = this.#lots.next(lot);
      this.#lots.give(lot);
      lot = next;
    }
    this.#slab.setU32(slot, HEAD, 0);
    clearSum(this.#slab, slot, USED);
    clearSum(this.#slab, slot, RESERVED);
    this.#slab.setF64(slot, NEXT_EVENT, NEVER);
  }

  /** Let go of what slid out, end what expired, and add up the rest anew. */
  #fold(slot: number, window: Window, now: EpochMs): void {
    let lot = this.#head(slot);
    let charged = 0;
    this.#slab.setU32(slot, HEAD, 0);
    this.#slab.setF64(slot, NEXT_EVENT, NEVER);
    clearSum(this.#slab, slot, RESERVED);
    // In a calendar window what was used is in no lot: there the sum itself is what is kept.
    if (!isCalendar(window)) clearSum(this.#slab, slot, USED);
    while (lot !== 0) {
      const next = this.#lots.next(lot);
      const ends = this.#lots.ends(lot);
      const isOver = ends !== 0 && ends <= now;
      const isGone = leavesAt(window, this.#lots.place(lot)) <= now || (isOver && this.#lots.givesBack(lot));
      if (isGone || this.#lots.amount(lot) === 0) {
        this.#lots.give(lot);
      } else if (isOver) {
        this.#lots.setNext(lot, charged);
        charged = lot;
      } else {
        this.#lots.addTo(this.#slab, slot, ends === 0 ? USED : RESERVED, lot);
        this.#keep(slot, window, lot);
      }
      lot = next;
    }
    while (charged !== 0) charged = this.#charge(slot, window, charged);
  }

  /** Make of a lot that expired what is used. @returns the next one in its chain. */
  #charge(slot: number, window: Window, lot: number): number {
    const next = this.#lots.next(lot);
    this.#lots.addTo(this.#slab, slot, USED, lot);
    const used = this.#lots.find(this.#head(slot), this.#lots.place(lot), 0, false);
    if (used !== 0) this.#lots.merge(used, lot);
    if (isSliding(window) && used === 0) {
      this.#lots.settle(lot);
      this.#keep(slot, window, lot);
    } else {
      this.#lots.give(lot);
    }
    return next;
  }

  /** Put a lot into its counter's chain. */
  #keep(slot: number, window: Window, lot: number): void {
    this.#lots.setNext(lot, this.#head(slot));
    this.#slab.setU32(slot, HEAD, lot);
    const ends = this.#lots.ends(lot);
    const event = Math.min(ends === 0 ? NEVER : ends, leavesAt(window, this.#lots.place(lot)));
    if (event < this.#slab.f64(slot, NEXT_EVENT)) this.#slab.setF64(slot, NEXT_EVENT, event);
  }
}
