/** A histogram as it stood. */
export interface HistogramSnapshot {
  /** Upper bounds in seconds, inclusive, ascending. */
  readonly bounds: readonly number[];
  /** What fell into each bucket alone, not into those below it; one more than `bounds`. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sumSeconds: number;
}

/** Counts durations by bucket without allocating. Never reset, so that any number of scrapers may read it. */
export class DurationHistogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sumSeconds = 0;

  /** @param bounds upper bounds in seconds, inclusive, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Count one duration. What is no duration (negative, NaN, infinite) is left out: it would spoil the sum for good. */
  observe(seconds: number): void {
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) return;
    let bucket = 0;
    while (seconds > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumSeconds += seconds;
  }

  snapshot(): HistogramSnapshot {
    const counts = Array.from(this.#counts);
    return {
      bounds: this.#bounds,
      counts,
      count: counts.reduce((total, count) => total + count, 0),
      sumSeconds: this.#sumSeconds,
    };
  }
}
