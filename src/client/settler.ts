import { setTimeout as pause } from "node:timers/promises";
import type { RecordUsageRequest, RecordUsageResponse } from "../gen/windbreak/v1/policy_decision.js";
import type { Asked } from "./connection.js";
import type { Settled } from "./options.js";
import { recordedOf } from "./wire.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Longer than a restart takes. A reservation lives 15 minutes by default. */
const GIVE_UP_MS = 10 * 60_000;
/** What is kept while Windbreak is away must not take the memory of the service. */
const MOST_KEPT = 10_000;

export interface SettlerOptions {
  readonly send: (report: RecordUsageRequest) => Promise<Asked<RecordUsageResponse>>;
  readonly onSettled: (settled: Settled) => void;
}

/**
 * Reports what calls used, at once; where Windbreak is away, again until it is back.
 *
 * A report may arrive twice: Windbreak charges it once.
 */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #open = new Set<Promise<void>>();
  readonly #ending = new AbortController();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Send a report. Nobody waits for it. */
  settle(report: RecordUsageRequest): void {
    const done = this.#report(report).finally(() => this.#open.delete(done));
    this.#open.add(done);
  }

  /** Wait until nothing is open any more. Where Windbreak is away that takes until it is back, or ten minutes. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
  }

  /** Wait for what is open, and give up what has not arrived by then. */
  async close(graceMs: number): Promise<void> {
    const late = pause(graceMs, undefined, { ref: false, signal: this.#ending.signal }).catch(isAborted);
    await Promise.race([this.settled(), late]);
    this.#ending.abort();
    await this.settled();
  }

  async #report(report: RecordUsageRequest): Promise<void> {
    const { requestId } = report;
    const lost = (cause: unknown): Settled => ({ kind: "lost", requestId, message: String(cause) });
    this.#options.onSettled(await this.#deliver(report).catch(lost));
  }

  async #deliver(report: RecordUsageRequest): Promise<Settled> {
    const { send } = this.#options;
    const { requestId } = report;
    const until = performance.now() + GIVE_UP_MS;
    for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(2 * ms, LONGEST_PAUSE_MS)) {
      const asked = await send(report);
      if (asked.kind === "answer") {
        return { kind: "recorded", requestId, recorded: recordedOf(asked.message) };
      }
      const isHopeless = asked.isRefused || this.#open.size > MOST_KEPT || performance.now() > until;
      if (isHopeless || (await this.#hasEnded(ms))) {
        return { kind: "lost", requestId, message: `${asked.code}: ${asked.message}` };
      }
    }
  }

  /** Wait, and say whether it is over meanwhile. A service that ends does not wait for this. */
  async #hasEnded(ms: number): Promise<boolean> {
    const { signal } = this.#ending;
    await pause(ms, undefined, { ref: false, signal }).catch(isAborted);
    return signal.aborted;
  }
}

function isAborted(cause: unknown): void {
  if (!(cause instanceof Error) || cause.name !== "AbortError") throw cause;
}
