import type { Counter } from "../../domain/caller.js";
import type { Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { leavesAt } from "../../domain/window.js";
import { type LotState, Lots } from "./lots.js";
import { Slab } from "./slab.js";
import { StringIndex } from "./string-index.js";
import { clearSum, copySum, readSum, SUM_BYTES, type Sum, writeSum } from "./sums.js";

export const USED = 0;
export const RESERVED = USED + SUM_BYTES;
export const NEXT_EVENT = RESERVED + SUM_BYTES;
export const LABEL = NEXT_EVENT + 8;
export const HEAD = LABEL + 8;
const GENERATION = HEAD + 4;
const BYTES = GENERATION + 4;

export const NEVER = Number.POSITIVE_INFINITY;

/** How a reserved amount ends when nobody settles it. */
export interface Ending {
  readonly ends: EpochMs;
  /** Given back, rather than charged. What is in flight is never used, so it is given back whatever this says. */
  readonly givesBack: boolean;
}

/** All that one counter holds. */
export interface CounterState {
  /** The window that a calendar counter has reached; 0 in others. */
  readonly label: number;
  readonly used: Sum;
  readonly reserved: Sum;
  readonly lots: readonly LotState[];
}

/** What each counter holds, by slot: the layout of a record, and the chain of its lots. */
export class CounterRecords {
  protected readonly slab = new Slab(BYTES);
  protected readonly lots = new Lots();
  protected readonly counters: (Counter | undefined)[] = [];
  readonly #index = new StringIndex();
  #made = 0;
  /** Slots of counters that were made while others are restored; undefined: none are being restored. */
  #provisional: Set<number> | undefined;

  get size(): number {
    return this.slab.size;
  }

  /** The slot of a counter; 0 where nothing is counted by it. */
  find(counter: Counter): number {
    return this.#index.get(counter.key);
  }

  /** The slot of a counter, made where there is none. */
  findOrMake(counter: Counter): number {
    const found = this.find(counter);
    if (found !== 0) return found;
    const slot = this.#provisional ? this.#takeProvisional(this.#provisional) : this.slab.take();
    this.#begin(slot, counter);
    return slot;
  }

  /** A number that changes when the slot comes to mean another counter. */
  generation(slot: number): number {
    return this.slab.u32(slot, GENERATION);
  }

  used(slot: number): number {
    return readSum(this.slab, slot, USED);
  }

  reserved(slot: number): number {
    return readSum(this.slab, slot, RESERVED);
  }

  /** The counters after a slot, with their slots, in order. */
  *after(slot: number): Iterable<readonly [number, Counter]> {
    for (let at = slot + 1; at <= this.slab.high; at++) {
      const counter = this.counters[at];
      if (counter) yield [at, counter];
    }
  }

  /** The highest slot that was ever taken. */
  get high(): number {
    return this.slab.high;
  }

  /** The counter in a slot; undefined where there is none. */
  at(slot: number): Counter | undefined {
    return this.counters[slot];
  }

  /** Copy all that a counter holds. */
  stateOf(slot: number): CounterState {
    const lots: LotState[] = [];
    for (let lot = this.head(slot); lot !== 0; lot = this.lots.next(lot)) lots.push(this.lots.stateOf(lot));
    return {
      label: this.slab.f64(slot, LABEL),
      used: copySum(this.slab, slot, USED),
      reserved: copySum(this.slab, slot, RESERVED),
      lots,
    };
  }

  /**
   * Begin to restore counters to the slots that they had in an earlier process. One that is made meanwhile, because a
   * change to it comes before all that it holds, gives its slot up to whichever had it.
   */
  beginRestoring(): void {
    this.#provisional = new Set();
  }

  /** Make a counter hold this, in this slot, and nothing that it held before. */
  restore(slot: number, counter: Counter, { label, used, reserved, lots }: CounterState): void {
    const before = this.find(counter);
    if (before !== slot) {
      if (before !== 0) this.drop(before, counter);
      this.#makeWay(slot);
      this.slab.claim(slot);
      this.#begin(slot, counter);
    }
    this.#provisional?.delete(slot);
    this.clear(slot);
    this.slab.setF64(slot, LABEL, label);
    writeSum(this.slab, slot, USED, used);
    writeSum(this.slab, slot, RESERVED, reserved);
    for (const lot of lots.toReversed()) this.keep(slot, counter.window, this.lots.restore(lot));
  }

  endRestoring(): void {
    this.#provisional = undefined;
    this.slab.relist((slot) => this.counters[slot] !== undefined);
  }

  /** A slot that is to mean another counter: what was in it was dropped since, unless it was never given that slot. */
  #makeWay(slot: number): void {
    const counter = this.counters[slot];
    if (!counter) return;
    const state = this.#provisional?.has(slot) ? this.stateOf(slot) : undefined;
    this.drop(slot, counter);
    if (state && this.#provisional) {
      const other = this.#takeProvisional(this.#provisional);
      this.#begin(other, counter);
      this.restore(other, counter, state);
      this.#provisional.add(other);
    }
  }

  #takeProvisional(provisional: Set<number>): number {
    const slot = this.slab.high + 1;
    this.slab.claim(slot);
    provisional.add(slot);
    return slot;
  }

  #begin(slot: number, counter: Counter): void {
    this.slab.setU32(slot, GENERATION, ++this.#made);
    this.slab.setF64(slot, NEXT_EVENT, NEVER);
    this.#index.set(counter.key, slot);
    this.counters[slot] = counter;
  }

  protected drop(slot: number, counter: Counter): void {
    this.clear(slot);
    this.#provisional?.delete(slot);
    this.#index.delete(counter.key);
    this.counters[slot] = undefined;
    this.slab.setU32(slot, GENERATION, 0);
    this.slab.give(slot);
  }

  protected head(slot: number): number {
    return this.slab.u32(slot, HEAD);
  }

  protected addTo(
    slot: number,
    window: Window,
    place: number,
    ends: EpochMs,
    givesBack: boolean,
    amount: number,
  ): void {
    const head = this.head(slot);
    const lot = this.lots.find(head, place, ends, givesBack);
    if (lot !== 0) {
      this.lots.add(lot, amount);
      return;
    }
    const made = this.lots.take(place, ends, givesBack);
    this.lots.add(made, amount);
    this.keep(slot, window, made);
  }

  protected clear(slot: number): void {
    for (let lot = this.head(slot); lot !== 0; ) {
      const next = this.lots.next(lot);
      this.lots.give(lot);
      lot = next;
    }
    this.slab.setU32(slot, HEAD, 0);
    clearSum(this.slab, slot, USED);
    clearSum(this.slab, slot, RESERVED);
    this.slab.setF64(slot, NEXT_EVENT, NEVER);
  }

  /** Put a lot into its counter's chain. */
  protected keep(slot: number, window: Window, lot: number): void {
    this.lots.setNext(lot, this.head(slot));
    this.slab.setU32(slot, HEAD, lot);
    const ends = this.lots.ends(lot);
    const event = Math.min(ends === 0 ? NEVER : ends, leavesAt(window, this.lots.place(lot)));
    if (event < this.slab.f64(slot, NEXT_EVENT)) this.slab.setF64(slot, NEXT_EVENT, event);
  }
}
