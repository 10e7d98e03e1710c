import type { Decided } from "../../app/decision-log.js";
import type { EpochMs } from "../../domain/units.js";

/** A denial that is remembered. */
export interface Denial {
  /** Later ones have higher numbers, also after a restart. */
  readonly number: number;
  readonly at: EpochMs;
  readonly facts: Decided;
}

/** What leaves room for a thousand denials each millisecond, and for the years until 2255. */
const NUMBERS_EACH_MS = 1_000;

/** Remembers the latest denials, so many and no more. */
export class RecentDenials {
  readonly #kept: (Denial | undefined)[];
  readonly #first: number;
  #count = 0;

  /** @param startedAt from which the numbers are made. */
  constructor(most: number, startedAt: EpochMs) {
    this.#kept = new Array<Denial | undefined>(most).fill(undefined);
    this.#first = startedAt * NUMBERS_EACH_MS;
  }

  add(at: EpochMs, facts: Decided): void {
    this.#kept[this.#count % this.#kept.length] = { number: this.#first + this.#count, at, facts };
    this.#count++;
  }

  /** Those with a higher number, the latest first. */
  after(number: number): readonly Denial[] {
    const found: Denial[] = [];
    for (let back = 1; back <= Math.min(this.#count, this.#kept.length); back++) {
      const denial = this.#kept[(this.#count - back) % this.#kept.length];
      if (!denial || denial.number <= number) break;
      found.push(denial);
    }
    return found;
  }
}
