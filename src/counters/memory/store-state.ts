import type { Amounts } from "../../domain/charges.js";
import type { Windows } from "../../domain/window.js";
import { giveBackAll, type Holding, holdAll, type Present, useAll } from "./account-counters.js";
import { ChargedOnce, type ChargedUsage } from "./charged-once.js";
import { Counters } from "./counters.js";
import type { Random24 } from "./ids.js";
import type { Counted } from "./memory-account.js";
import { Reservations } from "./reservations.js";

/**
 * All that a store in this process holds, and each change that can be made to it.
 *
 * A change depends on this state and its arguments only, so that whoever makes the same ones in the same order arrives
 * at the same state. Each takes the reservations to have been advanced to its time.
 */
export class StoreState {
  readonly counters = new Counters();
  readonly reservations: Reservations;
  readonly chargedOnce = new ChargedOnce();
  /** The windows that were reached; undefined: none yet. */
  windows: Windows | undefined;

  constructor(random: Random24) {
    this.reservations = new Reservations(random);
  }

  /** Count what a new reservation holds. */
  hold(slot: number): void {
    holdAll(this.counters, this.#holding(slot), this.reservations.amounts(slot));
  }

  /** Open: what was reserved becomes what was used. Expired: what its end charged becomes what was used. */
  settle(slot: number, actual: Amounts, present: Present): void {
    const { counters, reservations } = this;
    const holding = this.#holding(slot);
    const estimate = reservations.amounts(slot);
    const wasOpen = reservations.isOpen(slot, present.now);
    if (wasOpen) giveBackAll(counters, holding, estimate, present);
    const charged = wasOpen || reservations.wasGivenBack(slot) ? undefined : estimate;
    useAll(counters, holding, actual, charged, present);
    reservations.settle(slot, actual.cost, present.now);
  }

  /** Give back all that an open reservation holds. */
  release(slot: number, forget: boolean, present: Present): void {
    giveBackAll(this.counters, this.#holding(slot), this.reservations.amounts(slot), present);
    if (forget) this.reservations.forget(slot);
    else this.reservations.release(slot, present.now);
  }

  /** Charge usage that no reservation stands behind, and remember its key. */
  charge(key: string, usage: ChargedUsage, account: Counted, present: Present): void {
    // Remembered first: a resend after a failure in between is charged once or not at all, never twice.
    this.chargedOnce.remember(key, usage, present.now);
    const holding = { account, windows: present.windows, reservedAt: present.now };
    useAll(this.counters, holding, usage.amounts, undefined, present);
  }

  #holding(slot: number): Holding {
    const { account, windows } = this.reservations.terms(slot);
    return {
      account,
      windows,
      reservedAt: this.reservations.reservedAt(slot),
      ending: this.reservations.ending(slot),
    };
  }
}
