import type { CallerName } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import type { EpochMs } from "../../domain/units.js";
import { MEMORY_MS } from "./reservations.js";

/** What was charged, to whom and for which model. */
export interface ChargedUsage {
  readonly amounts: Amounts;
  readonly caller: CallerName;
  readonly model: string;
}

/** Usage that was charged without a reservation, by the id it came with, for ten minutes. */
export class ChargedOnce {
  /** In the order of charging, as a Map keeps it. */
  readonly #charged = new Map<string, ChargedUsage & { readonly at: EpochMs }>();

  get size(): number {
    return this.#charged.size;
  }

  /** What was charged for a key; undefined where nothing is remembered. */
  find(key: string, now: EpochMs): ChargedUsage | undefined {
    const charged = this.#charged.get(key);
    return charged && now < charged.at + MEMORY_MS ? charged : undefined;
  }

  remember(key: string, usage: ChargedUsage, now: EpochMs): void {
    this.#charged.delete(key);
    this.#charged.set(key, { ...usage, at: now });
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
