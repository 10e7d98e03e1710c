import type { Amounts } from "../../domain/charges.js";
import type { Windows } from "../../domain/window.js";
import { giveBackAll, type Holding, holdAll, type Present, useAll } from "./account-counters.js";
import { ChargedOnce, type ChargedUsage } from "./charged-once.js";
import { Counters } from "./counters.js";
import type { Random24 } from "./ids.js";
import type { Counted } from "./memory-account.js";
import { Reservations } from "./reservations.js";
import { sharedTotalKey, totalKey, usedInstead } from "./total-names.js";
import { type TotalPlace, Totals } from "./totals.js";

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
  readonly totals: Totals;
  #windows: Windows | undefined;

  constructor(random: Random24, totals = new Totals()) {
    this.reservations = new Reservations(random);
    this.totals = totals;
  }

  /** The windows that were reached; undefined: none yet. */
  get windows(): Windows | undefined {
    return this.#windows;
  }

  turnTo(windows: Windows): void {
    this.#windows = windows;
    this.totals.turnTo(windows.day.label);
  }

  /** Count what a new reservation holds. */
  hold(slot: number): void {
    const holding = this.#holding(slot);
    const worst = this.reservations.amounts(slot);
    holdAll(this.counters, holding, worst);
    const { ending, reservedAt } = holding;
    if (!ending.givesBack) this.totals.hold(this.#totalOf(slot), worst, ending.ends, reservedAt);
  }

  /** Whether the day has no room for a row of a new reservation's own, which its record then says. */
  findTotal(slot: number): void {
    if (this.totals.isBeyond(this.#totalOf(slot))) this.reservations.setBeyond(slot);
  }

  /** Open: what was reserved becomes what was used. Expired: what its end charged becomes what was used. */
  settle(slot: number, actual: Amounts, present: Present): void {
    const { counters, reservations } = this;
    const holding = this.#holding(slot);
    const estimate = reservations.amounts(slot);
    const wasOpen = reservations.isOpen(slot, present.now);
    if (wasOpen) this.#giveBack(slot, holding, present);
    const charged = wasOpen || reservations.wasGivenBack(slot) ? undefined : estimate;
    useAll(counters, holding, actual, charged, present);
    this.totals.use(this.#totalOf(slot), usedInstead(actual, charged), present.now);
    reservations.settle(slot, actual.cost, present.now);
  }

  /** Give back all that an open reservation holds. */
  release(slot: number, forget: boolean, present: Present): void {
    this.#giveBack(slot, this.#holding(slot), present);
    if (forget) this.reservations.forget(slot);
    else this.reservations.release(slot, present.now);
  }

  /**
   * Charge usage that no reservation stands behind, and remember its key.
   *
   * @param isBeyond whether the day had no room for a row of totals of its own.
   */
  charge(key: string, usage: ChargedUsage, account: Counted, present: Present, isBeyond: boolean): void {
    // Remembered first: a resend after a failure in between is charged once or not at all, never twice.
    this.chargedOnce.remember(key, usage, present.now);
    const holding = { account, windows: present.windows, reservedAt: present.now };
    useAll(this.counters, holding, usage.amounts, undefined, present);
    const { day, key: ownKey } = chargedTotal(usage, account, present);
    const place = { day, key: isBeyond ? sharedTotalKey(ownKey) : ownKey };
    this.totals.use(place, usedInstead(usage.amounts, undefined), present.now);
  }

  #giveBack(slot: number, holding: Holding, present: Present): void {
    const worst = this.reservations.amounts(slot);
    giveBackAll(this.counters, holding, worst, present);
    const { givesBack, ends } = holding.ending;
    if (!givesBack) this.totals.giveBack(this.#totalOf(slot), worst, ends);
  }

  /** The row that a reservation counts in: of the day that it was made on. */
  #totalOf(slot: number): TotalPlace {
    const { windows, totalKey: key } = this.reservations.terms(slot);
    return { day: windows.day.label, key: this.reservations.isBeyond(slot) ? sharedTotalKey(key) : key };
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

/** The row that usage without a reservation counts in, where the day has room for it. */
export function chargedTotal({ model }: ChargedUsage, { caller }: Counted, { windows }: Present): TotalPlace {
  return { day: windows.day.label, key: totalKey(caller, model) };
}
