import type { Clock } from "../app/ports.js";
import type { Snapshot } from "../app/snapshot.js";
import type { Log } from "../telemetry/log.js";
import type { StoreInUse } from "./store-in-use.js";

/** Small steps, often: what is no longer needed goes without a pause that a caller would notice. */
const SWEEP_MS = 100;
const SWEPT_AT_ONCE = 5_000;

export interface SweeperOptions {
  readonly counters: StoreInUse;
  readonly clock: Clock;
  readonly snapshot: () => Snapshot;
  readonly log: Log;
}

/** Has the counter store drop, little by little, what is no longer needed. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #hasFailed = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A fault here must not end the process: what is not swept is found by the next call that needs it. */
  #sweep(): void {
    const { counters, clock, snapshot, log } = this.#options;
    try {
      counters.sweep(SWEPT_AT_ONCE, snapshot().calendar, clock.now());
    } catch (cause) {
      if (!this.#hasFailed) log.error("what is no longer needed could not be dropped; memory may grow", cause);
      this.#hasFailed = true;
    }
  }
}
