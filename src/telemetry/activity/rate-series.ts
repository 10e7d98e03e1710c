import type { EpochMs, Millis } from "../../domain/units.js";

export interface RateSeriesOptions {
  readonly stepMs: Millis;
  /** How many whole steps are kept. */
  readonly steps: number;
  /** How many things are counted apart. */
  readonly columns: number;
}

/** The whole steps up to now, oldest first; the one that is running is left out. */
export interface Rates {
  readonly stepMs: Millis;
  /** When the first step began. */
  readonly from: EpochMs;
  /** By column; of a column that counted nothing there is none. */
  readonly counts: ReadonlyMap<number, readonly number[]>;
}

/** Counts events by when they happen, in steps of one length. What it takes is taken at once, and never more. */
export class RateSeries {
  readonly #options: RateSeriesOptions;
  /** One more than is told: the running step. */
  readonly #rows: number;
  readonly #counts: Uint32Array;
  /** The running step, in steps since 1970. */
  #last = 0;

  constructor(options: RateSeriesOptions) {
    this.#options = options;
    this.#rows = options.steps + 1;
    this.#counts = new Uint32Array(this.#rows * options.columns);
  }

  /** Count one event. What is earlier than what was told last counts as now. */
  add(at: EpochMs, column: number): void {
    const step = Math.floor(at / this.#options.stepMs);
    if (step > this.#last) this.#turnTo(step);
    const index = (this.#last % this.#rows) * this.#options.columns + column;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  read(now: EpochMs): Rates {
    const { stepMs, steps, columns } = this.#options;
    const step = Math.floor(now / stepMs);
    if (step > this.#last) this.#turnTo(step);
    const first = this.#last - steps;
    const counts = new Map<number, readonly number[]>();
    for (let column = 0; column < columns; column++) {
      const told = Array.from({ length: steps }, (_, index) => this.#at(first + index, column));
      if (told.some((count) => count > 0)) counts.set(column, told);
    }
    return { stepMs, from: first * stepMs, counts };
  }

  #at(step: number, column: number): number {
    return step < 0 ? 0 : (this.#counts[(step % this.#rows) * this.#options.columns + column] ?? 0);
  }

  #turnTo(step: number): void {
    const { columns } = this.#options;
    for (let next = Math.max(this.#last + 1, step - this.#rows + 1); next <= step; next++) {
      const row = (next % this.#rows) * columns;
      this.#counts.fill(0, row, row + columns);
    }
    this.#last = step;
  }
}
