import type { EpochMs, NanoUsd } from "../../domain/units.js";
import { MEMORY_MS } from "./reservations.js";

/** Usage that was charged without a reservation, by the id it came with, for ten minutes. */
export class ChargedOnce {
  /** In the order of charging, as a Map keeps it. */
  readonly #charged = new Map<string, { readonly cost: NanoUsd; readonly at: EpochMs }>();

  get size(): number {
    return this.#charged.size;
  }

  /** What was charged for a key; undefined where nothing is remembered. */
  cost(key: string, now: EpochMs): NanoUsd | undefined {
    const charged = this.#charged.get(key);
    return charged && now < charged.at + MEMORY_MS ? charged.cost : undefined;
  }

  remember(key: string, cost: NanoUsd, now: EpochMs): void {
    this.#charged.delete(key);
    this.#charged.set(key, { cost, at: now });
  }

  /** Drop at most `count` of those that are no longer remembered. */
  collect(count: number, now: EpochMs): void {
    let left = count;
    for (const [key, { at }] of this.#charged) {
      if (left-- <= 0 || now < at + MEMORY_MS) return;
      this.#charged.delete(key);
    }
  }
}
