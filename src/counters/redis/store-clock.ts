import type { Clock } from "../../app/ports.js";
import type { EpochMs } from "../../domain/units.js";

/**
 * Tells the store's time as far as this process knows it, and never an earlier one than before.
 *
 * An answer left the store before it came, so what is told is never ahead of the store by more than its clock went astray
 * since: windows are proposed late rather than early, and the store asks for late ones again.
 */
export class StoreClock implements Clock {
  readonly #steady: () => number;
  /** The store's time less the steady one. */
  #offset: number;
  #told: EpochMs = 0;
  #hasHeard = false;

  /** @param own what to go by until the store has said its time. */
  constructor(own: Clock, steady: () => number = () => performance.now()) {
    this.#steady = steady;
    this.#offset = own.now() - steady();
  }

  now(): EpochMs {
    this.#told = Math.max(this.#told, Math.floor(this.#steady() + this.#offset));
    return this.#told;
  }

  /** The store said its time. What was told before the first time of all was another clock's, and is forgotten. */
  hear(now: EpochMs): void {
    if (!this.#hasHeard) this.#told = 0;
    this.#hasHeard = true;
    this.#offset = now - this.#steady();
  }
}
