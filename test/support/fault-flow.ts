import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { Mode } from "./fault-mode.js";

/** How much may wait in one direction before the sender is held back, as a full network would. */
const MOST_WAITING_BYTES = 65_536;
/** A throttled chunk is let through in slices of this length of time. */
const SLICE_MS = 20;

type Item =
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly arrivedAt: number }
  | { readonly kind: "end"; readonly arrivedAt: number }
  | { readonly kind: "reset"; readonly arrivedAt: number };

/** What a direction is told, and whom it tells. */
export interface FlowRules {
  readonly mode: () => Mode;
  /** How many of the next bytes may still pass before the connection is cut; all of them: Infinity. */
  readonly allowance: () => number;
  /** So many bytes have passed. */
  readonly passed: (bytes: number) => void;
  /** The allowance is used up. */
  readonly cut: () => void;
  /** Whether something was swallowed before, in either direction. */
  readonly isLost: () => boolean;
  /** So many bytes were swallowed; 0: an end, or a reset. */
  readonly lose: (bytes: number) => void;
}

/**
 * One direction of a connection: bytes in the order of their arrival, each let through by the mode in force when its
 * turn comes, so that a change of mode also holds for what already waits.
 */
export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rules: FlowRules;
  readonly #waiting: Item[] = [];
  #waitingBytes = 0;
  #isRunning = false;
  #isOver = false;
  #wake = () => {};

  constructor(from: Socket, to: Socket, rules: FlowRules) {
    this.#from = from;
    this.#to = to;
    this.#rules = rules;
    from.on("data", (bytes: Buffer) => this.#push({ kind: "bytes", bytes, arrivedAt: performance.now() }));
    from.on("end", () => this.#push({ kind: "end", arrivedAt: performance.now() }));
    from.on("error", () => this.#push({ kind: "reset", arrivedAt: performance.now() }));
  }

  /** Judge what waits anew: the mode has changed. */
  reconsider(): void {
    this.#wake();
  }

  /** Let nothing more through; what still comes is read, so that its end is seen. */
  stop(): void {
    this.#isOver = true;
    this.#waiting.length = 0;
    this.#from.resume();
    this.#wake();
  }

  #push(item: Item): void {
    if (this.#isOver) return;
    this.#waiting.push(item);
    if (item.kind === "bytes") this.#waitingBytes += item.bytes.length;
    if (this.#waitingBytes > MOST_WAITING_BYTES) this.#from.pause();
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let item = this.#waiting[0]; item !== undefined; item = this.#waiting[0]) {
      const waitMs = this.#waitFor(item);
      if (waitMs > 0) await this.#pause(waitMs);
      else await this.#let(item);
    }
    this.#isRunning = false;
  }

  /** For how long, by the mode that is now in force, an item must still wait: ms. */
  #waitFor(item: Item): number {
    const mode = this.#rules.mode();
    return mode.kind === "delay" ? item.arrivedAt + mode.ms - performance.now() : 0;
  }

  async #let(item: Item): Promise<void> {
    const { mode, isLost, lose } = this.#rules;
    if (mode().kind === "half_open" || isLost()) {
      lose(item.kind === "bytes" ? item.bytes.length : 0);
      this.#shorten(item);
    } else if (item.kind === "bytes") {
      await this.#write(item);
    } else {
      this.#shorten(item);
      if (item.kind === "end") this.#to.end();
      else this.#to.resetAndDestroy();
    }
  }

  async #write(item: Item & { kind: "bytes" }): Promise<void> {
    const mode = this.#rules.mode();
    const length = item.bytes.length;
    const slice = mode.kind === "throttle" ? Math.ceil((mode.bytesPerSecond * SLICE_MS) / 1_000) : length;
    if (mode.kind === "throttle") {
      await this.#pause((Math.min(length, slice) * 1_000) / mode.bytesPerSecond);
      // Judge anew what changed while it waited.
      if (this.#rules.mode() !== mode || this.#isOver) return;
    }
    const allowance = this.#rules.allowance();
    const count = Math.min(length, slice, allowance);
    this.#shorten(item, count);
    if (count > 0) {
      this.#rules.passed(count);
      await new Promise<void>((resolve) => this.#to.write(item.bytes.subarray(0, count), () => resolve()));
    }
    if (length < allowance) return;
    // A client in this process reads in the next turn. Bytes and reset at once would look to it like an orderly end:
    // libuv takes a short read with a hang-up for one.
    if (count > 0) for (const _turn of [1, 2]) await setImmediate();
    if (!this.#isOver) this.#rules.cut();
  }

  /** Take an item, or the first bytes of it, off the queue. */
  #shorten(item: Item, count = Number.POSITIVE_INFINITY): void {
    if (item.kind === "bytes") {
      const rest = item.bytes.subarray(Math.min(count, item.bytes.length));
      this.#waitingBytes -= item.bytes.length - rest.length;
      if (rest.length > 0) this.#waiting[0] = { ...item, bytes: rest };
      else this.#waiting.shift();
      if (this.#waitingBytes <= MOST_WAITING_BYTES) this.#from.resume();
    } else {
      this.#waiting.shift();
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
