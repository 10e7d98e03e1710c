import type { PendingCall, PendingUsage } from "../../app/pending-usage.js";
import type { MaybePromise } from "../../app/ports.js";
import type { Millis } from "../../domain/units.js";
import type { PendingFile } from "./pending-file.js";

/** Beyond it a report is dropped and counted: its caller was told to send it again, and its reservation ends by `unsettled`. */
const MOST = 10_000;
/** So many of one principal, that none takes the room of all. */
const MOST_OF_ONE = 1_000;
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
  readonly mostOfOne?: number;
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
  /** How many of each principal wait. */
  readonly #ofOne = new Map<string, number>();
  #looking: NodeJS.Timeout | undefined;
  #sending: Promise<unknown> | undefined;
  #dropped = 0;
  #sent = 0;

  constructor(options: PendingQueueOptions) {
    this.#options = options;
    this.#waiting = new Map(options.file?.restored);
    for (const { name } of this.#waiting.values()) this.#ofOne.set(name.id, (this.#ofOne.get(name.id) ?? 0) + 1);
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
    const { most = MOST, mostOfOne = MOST_OF_ONE } = this.#options;
    const { id } = pending.name;
    const ofOne = this.#ofOne.get(id) ?? 0;
    if (!this.#waiting.has(key)) {
      if (this.#waiting.size >= most || ofOne >= mostOfOne) {
        this.#dropped++;
        return;
      }
      this.#ofOne.set(id, ofOne + 1);
    }
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

  #forget(key: string, { name: { id } }: PendingCall): void {
    this.#waiting.delete(key);
    const ofOne = (this.#ofOne.get(id) ?? 1) - 1;
    if (ofOne > 0) this.#ofOne.set(id, ofOne);
    else this.#ofOne.delete(id);
    this.#inFile((file) => file.drop(key));
  }

  /** What the store cannot answer, though it is there, must not keep the others waiting. */
  #putLast(key: string, pending: PendingCall): void {
    this.#waiting.delete(key);
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
      this.#forget(key, pending);
      this.#sent++;
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      // What is wrong with it now is wrong with it after a restart too, and must not end the process each time.
      this.#forget(key, pending);
      this.#dropped++;
      this.#options.failed(cause);
    }
  }
}

/** What the store would charge once: a reservation, or a request of someone. */
function keyOf({ call, name }: PendingCall): string {
  if (call.reservationId !== "") return `reservation ${call.reservationId}`;
  return `request ${name.workspace} ${name.id} ${call.requestId}`;
}
