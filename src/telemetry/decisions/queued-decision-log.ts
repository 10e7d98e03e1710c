import { setImmediate as nextTurn } from "node:timers/promises";
import type { Decided, DecisionLog, Origin, Released, Settled } from "../../app/decision-log.js";
import type { Clock } from "../../app/ports.js";
import type { Millis } from "../../domain/units.js";
import type { Entry } from "./entry.js";
import type { GivenUp, Outlet } from "./outlet.js";
import { sampler } from "./sample.js";

/** Each keeps what it was told alive, some kilobytes at the most. */
const MOST_WAITING = 16_384;
const GATHER_MS: Millis = 50;
/** So many are not kept waiting for a timer. */
const SOON = 1_024;
/** How long entries may be made lines of before others are let run. */
const SLICE_MS: Millis = 1;
const ENTRIES_BETWEEN_LOOKS = 16;
const RETRY_MS: Millis = 1_000;

export interface QueuedDecisionLogOptions {
  readonly outlet: Outlet;
  readonly clock: Clock;
  /** Which share of the allowed decisions is kept, 0 to 1. */
  readonly share: number;
  /** Told, once, that the outlet takes nothing any more, and why; undefined: that it does again. */
  readonly changed: (cause: Error | undefined) => void;
  /** Told of what nobody expected. */
  readonly failed: (cause: unknown) => void;
  readonly most?: number;
  readonly gatherMs?: Millis;
  readonly retryMs?: Millis;
}

/** What became of the entries so far. */
export interface DecisionLogFacts {
  readonly waiting: number;
  readonly written: number;
  readonly dropped: { readonly queueFull: number; readonly writeFailed: number };
}

/**
 * Keeps decisions for a moment and writes them behind the callers' backs.
 *
 * A decision costs one record and one push. Lines are made later, a millisecond a turn at the most, and written in
 * batches, one at a time. What does not fit into the queue is dropped and counted: no call ever waits for its log.
 */
export class QueuedDecisionLog implements DecisionLog {
  readonly #options: QueuedDecisionLogOptions;
  readonly #isInSample: (id: string) => boolean;
  readonly #most: number;
  #waiting: Entry[] = [];
  /** Those that lines are being made of, and the next one of them. */
  #taken: Entry[] = [];
  #next = 0;
  /** With the outlet, not written yet. */
  #gathered = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #isClosing = false;
  #written = 0;
  #queueFull = 0;
  #writeFailed = 0;

  constructor(options: QueuedDecisionLogOptions) {
    this.#options = options;
    this.#isInSample = sampler(options.share);
    this.#most = options.most ?? MOST_WAITING;
  }

  /** Keep a denial or a degraded decision always, another one where its reservation is in the sample. */
  decided(facts: Decided): void {
    const { answer, origin } = facts;
    const isSampled = answer.kind === "allowed" && !facts.degraded;
    if (isSampled && !this.#isInSample(answer.grant.reservationId || answer.grant.requestId)) return;
    this.#keep({ kind: "decision", at: this.#options.clock.now(), tookMs: tookMs(origin), facts });
  }

  /** Keep a settlement where its decision is kept, or where that cannot be told. */
  settled(facts: Settled): void {
    const { reservationId } = facts.call;
    const isSampled = reservationId !== "" && !facts.unreserved;
    if (isSampled && !this.#isInSample(reservationId)) return;
    this.#keep({ kind: "settlement", at: this.#options.clock.now(), tookMs: tookMs(facts.origin), facts });
  }

  /** Keep a release where its decision is kept. */
  released(facts: Released): void {
    if (!this.#isInSample(facts.reservationId)) return;
    this.#keep({ kind: "release", at: this.#options.clock.now(), tookMs: undefined, facts });
  }

  facts(): DecisionLogFacts {
    const dropped = { queueFull: this.#queueFull, writeFailed: this.#writeFailed };
    return { waiting: this.#size, written: this.#written, dropped };
  }

  /**
   * Write what waits, for so long and no longer. Nothing may be told afterwards.
   *
   * @returns how many entries could not be written, which are counted as dropped, and whether a write hangs.
   */
  async close(deadlineMs: Millis): Promise<{ readonly lost: number; readonly hangs: boolean }> {
    this.#isClosing = true;
    this.#wake?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), deadlineMs);
    });
    const hangs = (await Promise.race([this.#writeLast(), late])) === "late";
    clearTimeout(timer);
    const lost = this.#size;
    this.#writeFailed += lost;
    this.#waiting = [];
    this.#taken = [];
    this.#next = 0;
    this.#gathered = 0;
    // Of a write that hangs its file cannot be closed either.
    if (!hangs) await this.#options.outlet.close();
    return { lost, hangs };
  }

  async #writeLast(): Promise<void> {
    await this.#writing;
    this.#start();
    await this.#writing;
  }

  get #size(): number {
    return this.#waiting.length + this.#taken.length - this.#next + this.#gathered;
  }

  #keep(entry: Entry): void {
    if (this.#size >= this.#most) {
      if (this.#failure) this.#writeFailed++;
      else this.#queueFull++;
      return;
    }
    this.#waiting.push(entry);
    if (this.#writing) return;
    this.#startLater();
    if (this.#waiting.length === SOON) setImmediate(() => this.#start());
  }

  #startLater(): void {
    this.#timer ??= setTimeout(() => this.#start(), this.#options.gatherMs ?? GATHER_MS).unref();
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#size === 0) return;
    this.#writing = this.#writeAll()
      .catch(this.#options.failed)
      .finally(() => {
        this.#writing = undefined;
        if (this.#size > 0 && !this.#isClosing) this.#startLater();
      });
  }

  /** Write until little waits: a system call for each of a few lines costs more than they do. */
  async #writeAll(): Promise<void> {
    while (this.#size > 0) {
      await this.#gather();
      const { failure, givenUp } = await this.#flush();
      this.#tellChange(failure ?? givenUp?.cause);
      if (!failure) {
        const lost = givenUp?.count ?? 0;
        this.#writeFailed += lost;
        this.#written += this.#gathered - lost;
        this.#gathered = 0;
        if (this.#size < SOON && !this.#isClosing) return;
      } else if (this.#isClosing) {
        return;
      } else {
        await this.#pause();
      }
    }
  }

  /** Make lines of what waits until the outlet is full, and let others run between slices. */
  async #gather(): Promise<void> {
    while (!this.#gatherSlice()) await nextTurn();
  }

  /** @returns whether there is nothing left to do. */
  #gatherSlice(): boolean {
    const { outlet } = this.#options;
    const until = performance.now() + SLICE_MS;
    for (let count = 1; !outlet.isFull; count++) {
      const entry = this.#take();
      if (!entry) return true;
      this.#gathered++;
      outlet.add(entry);
      if (count % ENTRIES_BETWEEN_LOOKS === 0 && performance.now() > until) return false;
    }
    return true;
  }

  #take(): Entry | undefined {
    if (this.#next === this.#taken.length) {
      this.#taken = this.#waiting;
      this.#waiting = [];
      this.#next = 0;
    }
    const entry = this.#taken[this.#next];
    if (entry) this.#next++;
    return entry;
  }

  async #flush(): Promise<{ readonly failure?: Error; readonly givenUp?: GivenUp | undefined }> {
    try {
      return { givenUp: await this.#options.outlet.flush() };
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      return { failure: cause };
    }
  }

  #tellChange(failure: Error | undefined): void {
    const hasChanged = (failure === undefined) !== (this.#failure === undefined);
    this.#failure = failure;
    if (hasChanged) this.#options.changed(failure);
  }

  /** Wait before the next try; not once the log is being closed. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, this.#options.retryMs ?? RETRY_MS).unref();
      this.#wake = done;
    });
  }
}

function tookMs(origin: Origin | undefined): Millis | undefined {
  return origin && performance.now() - origin.begunMs;
}
