import { performance } from "node:perf_hooks";
import { DurationHistogram, type HistogramSnapshot } from "./duration-histogram.js";

const SAMPLE_MS = 20;
const BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/**
 * Samples how late the event loop runs a timer. Does not keep the process alive.
 *
 * Not `perf_hooks.monitorEventLoopDelay`: it tells percentiles since its last reset only, so that two scrapers would
 * spoil each other's reading, and it counts its own interval as delay. Buckets that only grow can be read by many.
 */
export class EventLoopLag {
  readonly #histogram = new DurationHistogram(BOUNDS_SECONDS);
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      // Timers keep whole milliseconds and may run a fraction of one early: that is no lag.
      this.#histogram.observe(Math.max(0, now - before - SAMPLE_MS) / 1000);
      before = now;
    }, SAMPLE_MS);
    this.#timer.unref();
  }

  snapshot(): HistogramSnapshot {
    return this.#histogram.snapshot();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
