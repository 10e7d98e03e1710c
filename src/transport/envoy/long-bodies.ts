import type { MaybePromise } from "../../app/ports.js";

/** Reading a body of this length takes a millisecond or two at the worst. */
const SHORT_BYTES = 32 * 1024;
/** Each of them takes a slice of every turn of the event loop, for which all other calls wait. */
const MOST_AT_ONCE = 4;
/** A flood of the largest bodies must not take the memory of the counters. As many bytes again stand in the messages. */
const MOST_BYTES = 256 * 1024 * 1024;

export interface LongBodiesOptions {
  readonly shortBytes?: number;
  readonly mostAtOnce?: number;
  readonly mostBytes?: number;
}

/** Has long bodies read a few at a time, whoever sends how many: those of a single caller must not stop all others. */
export class LongBodies {
  readonly #shortBytes: number;
  readonly #mostAtOnce: number;
  readonly #mostBytes: number;
  readonly #waiting: (() => void)[] = [];
  #reading = 0;
  #bytes = 0;

  constructor({ shortBytes, mostAtOnce, mostBytes }: LongBodiesOptions = {}) {
    this.#shortBytes = shortBytes ?? SHORT_BYTES;
    this.#mostAtOnce = mostAtOnce ?? MOST_AT_ONCE;
    this.#mostBytes = mostBytes ?? MOST_BYTES;
  }

  /**
   * Read a body: at once where it is short, else in its turn.
   *
   * @returns `"full"` where so much waits already that this one must not.
   */
  read<T>(length: number, read: () => MaybePromise<T>): MaybePromise<T | "full"> {
    if (length <= this.#shortBytes) return read();
    if (this.#bytes + length > this.#mostBytes) return "full";
    this.#bytes += length;
    return this.#inTurn(length, read);
  }

  async #inTurn<T>(length: number, read: () => MaybePromise<T>): Promise<T> {
    if (this.#reading < this.#mostAtOnce) this.#reading++;
    // Whoever ends hands its place on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await read();
    } finally {
      this.#bytes -= length;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#reading--;
    }
  }
}
