import type { Amounts } from "../../domain/charges.js";
import type { EpochMs } from "../../domain/units.js";
import { Slab } from "./slab.js";
import type { TotalState, Used } from "./total-names.js";

const REQUESTS = 0;
const INPUT = 8;
const OUTPUT = 16;
const COST = 24;
const ENDS = 32;
const NEXT = 40;
const BYTES = 44;

/**
 * Rows of totals and their lots, in records of one form: four sums, and the next lot of the row.
 *
 * Sums are doubles: exact up to 2^53-1, which is all that is ever told of them.
 */
export class TotalRows {
  readonly #slab = new Slab(BYTES);

  /** Make an empty row. @returns its slot, from 1. */
  make(): number {
    return this.#slab.take();
  }

  /** Add one request to the lot of those that end at an instant. */
  hold(row: number, amounts: Amounts, ends: EpochMs, now: EpochMs): void {
    this.#fold(row, now);
    const known = this.#find(row, ends);
    this.#change(known === 0 ? this.#add(row, ends) : known, 1, amounts, 1);
  }

  /** Take one request from its lot. */
  giveBack(row: number, amounts: Amounts, ends: EpochMs): void {
    const lot = this.#find(row, ends);
    if (lot === 0) return;
    this.#change(lot, 1, amounts, -1);
    if (this.#slab.f64(lot, REQUESTS) <= 0) this.#remove(row, lot);
  }

  /** Change what was used. */
  use(row: number, used: Used, now: EpochMs): void {
    this.#fold(row, now);
    this.#change(row, used.requests, used, 1);
  }

  /** What was used, with what has expired by now. */
  used(row: number, now: EpochMs): Used {
    const sums = { ...this.#sums(row) };
    for (let lot = this.#next(row); lot !== 0; lot = this.#next(lot)) {
      if (this.#slab.f64(lot, ENDS) > now) continue;
      const { requests, inputTokens, outputTokens, cost } = this.#sums(lot);
      sums.requests += requests;
      sums.inputTokens += inputTokens;
      sums.outputTokens += outputTokens;
      sums.cost += cost;
    }
    return sums;
  }

  stateOf(row: number): TotalState {
    const lots = [];
    for (let lot = this.#next(row); lot !== 0; lot = this.#next(lot)) {
      lots.push({ ...this.#sums(lot), ends: this.#slab.f64(lot, ENDS) });
    }
    return { used: this.#sums(row), lots };
  }

  restore(row: number, { used, lots }: TotalState): void {
    this.#clear(row);
    this.#change(row, used.requests, used, 1);
    for (const lot of lots.toReversed()) this.#change(this.#add(row, lot.ends), lot.requests, lot, 1);
  }

  /** Give a row back, and its lots. */
  drop(row: number): void {
    this.#clear(row);
    this.#slab.give(row);
  }

  /** Make of what has expired what is used. */
  #fold(row: number, now: EpochMs): void {
    for (let lot = this.#next(row); lot !== 0; ) {
      const next = this.#next(lot);
      if (this.#slab.f64(lot, ENDS) <= now) {
        const sums = this.#sums(lot);
        this.#change(row, sums.requests, sums, 1);
        this.#remove(row, lot);
      }
      lot = next;
    }
  }

  #clear(row: number): void {
    while (this.#next(row) !== 0) this.#remove(row, this.#next(row));
    for (const field of [REQUESTS, INPUT, OUTPUT, COST]) this.#slab.setF64(row, field, 0);
  }

  #sums(slot: number) {
    return {
      requests: this.#slab.f64(slot, REQUESTS),
      inputTokens: this.#slab.f64(slot, INPUT),
      outputTokens: this.#slab.f64(slot, OUTPUT),
      cost: this.#slab.f64(slot, COST),
    };
  }

  /** @param sign 1 adds, -1 takes away. */
  #change(slot: number, requests: number, { inputTokens, outputTokens, cost }: Amounts, sign: 1 | -1): void {
    this.#addTo(slot, REQUESTS, sign * requests);
    this.#addTo(slot, INPUT, sign * inputTokens);
    this.#addTo(slot, OUTPUT, sign * outputTokens);
    this.#addTo(slot, COST, sign * cost);
  }

  #addTo(slot: number, field: number, amount: number): void {
    this.#slab.setF64(slot, field, this.#slab.f64(slot, field) + amount);
  }

  #find(row: number, ends: EpochMs): number {
    for (let lot = this.#next(row); lot !== 0; lot = this.#next(lot)) {
      if (this.#slab.f64(lot, ENDS) === ends) return lot;
    }
    return 0;
  }

  #add(row: number, ends: EpochMs): number {
    const lot = this.#slab.take();
    this.#slab.setF64(lot, ENDS, ends);
    this.#slab.setU32(lot, NEXT, this.#next(row));
    this.#slab.setU32(row, NEXT, lot);
    return lot;
  }

  #remove(row: number, lot: number): void {
    let before = row;
    while (this.#next(before) !== lot) before = this.#next(before);
    this.#slab.setU32(before, NEXT, this.#next(lot));
    this.#slab.give(lot);
  }

  #next(slot: number): number {
    return this.#slab.u32(slot, NEXT);
  }
}
