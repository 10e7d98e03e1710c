import type { EpochMs } from "../../domain/units.js";

interface Timed {
  readonly at: EpochMs;
}

/**
 * Brings what comes nearly in order into the order of its time, holding back so much and no more. What has the same time
 * stays as it came.
 */
export class TimeOrder<T extends Timed> {
  readonly #most: number;
  /** In order from `#first` on; what is before has been handed on. */
  #held: T[] = [];
  #first = 0;
  #last: EpochMs = Number.NEGATIVE_INFINITY;
  #late = 0;

  /** @param most how many are held back. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many came after a later one had been handed on already. */
  get late(): number {
    return this.#late;
  }

  /** Take one in. @returns the earliest of those held, once there are too many. */
  add(one: T): T | undefined {
    const latest = this.#held.at(-1);
    if (this.#size === 0 || !latest || latest.at <= one.at) this.#held.push(one);
    else this.#held.splice(this.#placeOf(one.at), 0, one);
    return this.#size > this.#most ? this.next() : undefined;
  }

  /** The earliest of those held; undefined: none is. */
  next(): T | undefined {
    const one = this.#held[this.#first];
    if (!one) return undefined;
    this.#first++;
    if (this.#first > this.#most) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
    if (one.at < this.#last) this.#late++;
    else this.#last = one.at;
    return one;
  }

  get #size(): number {
    return this.#held.length - this.#first;
  }

  /** Behind all that are not later. */
  #placeOf(at: EpochMs): number {
    let from = this.#first;
    let to = this.#held.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#held[middle]?.at ?? 0) <= at) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
