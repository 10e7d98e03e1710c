import type { EpochMs } from "../../domain/units.js";
import type { StoreState } from "../memory/store-state.js";
import type { TotalPlace } from "../memory/totals.js";
import type { RecordWriter } from "./record-writer.js";

/**
 * Writes all that lives into a new segment, in small steps, while changes go on being written to it.
 *
 * What a change is about may have been written before it or comes after it; the record of all that something holds
 * replaces what changes before it made of it.
 */
export class Carry {
  readonly #state: StoreState;
  readonly #writer: RecordWriter;
  readonly #since: EpochMs;
  readonly #charged: IterableIterator<[string, Parameters<RecordWriter["chargedOnce"]>[1] & { readonly at: EpochMs }]>;
  readonly #totals: Iterator<TotalPlace>;
  #counter = 0;
  #reservation = 0;
  #isChargedDone = false;
  #areTotalsDone = false;

  /** @param since when the segment began: what was reserved later stands in it anyway. */
  constructor(state: StoreState, writer: RecordWriter, since: EpochMs) {
    this.#state = state;
    this.#writer = writer;
    this.#since = since;
    this.#charged = state.chargedOnce.entries();
    this.#totals = state.totals.places()[Symbol.iterator]();
  }

  /** Whether a reservation's record does not stand in the segment yet, and must before a change to it. */
  lacks(slot: number): boolean {
    return slot > this.#reservation && this.#state.reservations.reservedAt(slot) <= this.#since;
  }

  /** Write at most `count` records. @returns whether all is written. */
  step(count: number, now: EpochMs): boolean {
    let left = count;
    while (left > 0 && this.#counter < this.#state.counters.high) left -= this.#writeCounter();
    while (left > 0 && this.#reservation < this.#state.reservations.slab.high) left -= this.#writeReservation(now);
    while (left > 0 && !this.#isChargedDone) left -= this.#writeCharged();
    while (left > 0 && !this.#areTotalsDone) left -= this.#writeTotal();
    return left > 0;
  }

  #writeCounter(): number {
    const slot = ++this.#counter;
    const { counters } = this.#state;
    const counter = counters.at(slot);
    if (counter) this.#writer.counter(slot, counter, counters.stateOf(slot));
    return 1;
  }

  #writeReservation(now: EpochMs): number {
    const slot = ++this.#reservation;
    const { reservations } = this.#state;
    if (reservations.holds(slot) && reservations.isRemembered(slot, now)) {
      this.#writer.defineTerms(reservations.terms(slot));
      this.#writer.reservation("reservation", reservations, slot);
    }
    return 1;
  }

  #writeCharged(): number {
    const next = this.#charged.next();
    if (next.done) this.#isChargedDone = true;
    else this.#writer.chargedOnce(next.value[0], next.value[1], next.value[1].at);
    return 1;
  }

  #writeTotal(): number {
    const next = this.#totals.next();
    const state = next.done ? undefined : this.#state.totals.stateOf(next.value);
    if (next.done) this.#areTotalsDone = true;
    else if (state) this.#writer.total(next.value, state);
    return 1;
  }
}
