import type { Account } from "../../app/ports.js";
import type { Caller, Counter } from "../../domain/caller.js";
import type { OpenPlan } from "../../domain/plan.js";
import type { Windows } from "../../domain/window.js";
import type { Counters } from "./counters.js";

/** What a reservation fixes for its life, shared by all that are alike. */
export interface Terms {
  readonly account: MemoryAccount;
  readonly plan: OpenPlan;
  readonly windows: Windows;
}

/** A caller with the slots of its counters, found once and checked by their generation. */
export class MemoryAccount implements Account {
  readonly caller: Caller;
  readonly #slots: number[];
  readonly #generations: number[];
  #terms: Terms | undefined;

  constructor(caller: Caller) {
    this.caller = caller;
    this.#slots = caller.counters.map(() => 0);
    this.#generations = caller.counters.map(() => 0);
  }

  /** The slot of the caller's counter at `index`, made where there is none. */
  slot(counters: Counters, counter: Counter, index: number): number {
    const known = this.#slots[index] ?? 0;
    if (known !== 0 && counters.generation(known) === this.#generations[index]) return known;
    const slot = counters.findOrMake(counter);
    this.#slots[index] = slot;
    this.#generations[index] = counters.generation(slot);
    return slot;
  }

  /** The terms of a reservation made now. Most are like the one before, and share its object. */
  terms(plan: OpenPlan, windows: Windows): Terms {
    if (this.#terms?.plan !== plan || this.#terms.windows !== windows) this.#terms = { account: this, plan, windows };
    return this.#terms;
  }
}
