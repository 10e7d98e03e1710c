import type { PendingCall, PendingUsage } from "../../app/pending-usage.js";
import type { MaybePromise } from "../../app/ports.js";
import type { Millis } from "../../domain/units.js";
import type { PendingFile } from "./pending-file.js";

/** Beyond it the oldest is dropped and counted: its reservation then ends by `unsettled`. */
const MOST: number = 10_000;
const LOOK_MS: Millis = 250;
/** So many are sent between two looks at whether callers wait. */
const AT_ONCE = 50;

export interface PendingQueueOptions {
  /** Whether sending is worth trying. */
  readonly isUp: () => boolean;
  /** Record one; resolves to whether the store took it, or refused it for good. */
  readonly send: (pending: PendingCall) => MaybePromise<"done" | "away">;
  /** Told what is broken: the file, or a report that could not be sent though nothing was away. */
  readonly failed: (cause: Error) => void;
  /** Where they outlive a crash; undefined: nowhere. */
  readonly file?: PendingFile | undefined;
  readonly most?: number;
}

/**
 * Reports of usage that wait for the store, oldest first.
 *
 * A report that its caller sends again meanwhile is there once; one that its caller sends again later is charged once,
 * because the store remembers what it was told.
 */
export class PendingQueue implements PendingUsage {
  readonly #options: PendingQueueOptions;
  readonly #waiting: Map<string, PendingCall>;
  #looking: NodeJS.Timeout | undefined;
  #sending: Promise<unknown> | undefined;
  #dropped = 0;
  #sent = 0;

  constructor(options: PendingQueueOptions) {
    this.#options = options;
    this.#waiting = new Map(options.file?.restored);
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many there was no room for, or that could not be sent for a reason of their own. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many the store took, or refused for good, in the end. */
  get sent(): number {
    return this.#sent;
  }

  keep(pending: PendingCall): void {
    const key = keyOf(pending);
    const { most = MOST } = this.#options;
    if (!this.#waiting.has(key) && this.#waiting.size >= most) this.#dropOldest();
    this.#waiting.set(key, pending);
    this.#inFile((file) => file.keep(key, pending));
  }

  start(): void {
    this.#looking = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** Nothing may be kept afterwards. Resolves once what is on its way has been answered, and the file says so. */
  async stop(): Promise<void> {
    clearInterval(this.#looking);
    await this.#sending;
    this.#options.file?.close();
  }

  #dropOldest(): void {
    for (const key of this.#waiting.keys()) {
      if (this.#forget(key)) this.#dropped++;
      return;
    }
  }

  /** Whether it was still there: one that is being sent may have had to make room. */
  #forget(key: string): boolean {
    if (!this.#waiting.delete(key)) return false;
    this.#inFile((file) => file.drop(key));
    return true;
  }

  /** What the store cannot answer, though it is there, must not keep the others waiting. */
  #putLast(key: string, pending: PendingCall): void {
    if (!this.#waiting.delete(key)) return;
    this.#waiting.set(key, pending);
  }

  /** A disk that is full must not keep callers from their answer, nor end the process. */
  #inFile(write: (file: PendingFile) => void): void {
    try {
      if (this.#options.file) write(this.#options.file);
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      this.#options.failed(cause);
    }
  }

  async #look(): Promise<void> {
    if (this.#sending || this.#waiting.size === 0 || !this.#options.isUp()) return;
    this.#sending = Promise.all([...this.#waiting].slice(0, AT_ONCE).map((entry) => this.#send(entry)));
    await this.#sending;
    this.#sending = undefined;
  }

  async #send([key, pending]: readonly [string, PendingCall]): Promise<void> {
    try {
      if ((await this.#options.send(pending)) === "away") {
        this.#putLast(key, pending);
        return;
      }
      // It may have been kept anew meanwhile: then that one is the same, and has been recorded with this.
      if (this.#forget(key)) this.#sent++;
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      // What is wrong with it now is wrong with it after a restart too, and must not end the process each time.
      if (this.#forget(key)) this.#dropped++;
      this.#options.failed(cause);
    }
  }
}

/** What the store would charge once: a reservation, or a request of someone. */
function keyOf({ call, name }: PendingCall): string {
  if (call.reservationId !== "") return `reservation ${call.reservationId}`;
  return `request ${name.workspace} ${name.id} ${call.requestId}`;
}
