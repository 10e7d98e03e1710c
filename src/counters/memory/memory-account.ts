import type { Account } from "../../app/ports.js";
import type { Caller, Counter, Standing } from "../../domain/caller.js";
import type { OpenPlan } from "../../domain/plan.js";
import type { Windows } from "../../domain/window.js";
import type { CounterRecords } from "./counter-records.js";
import type { Named } from "./owner.js";
import { totalKey } from "./total-names.js";

/** What a reservation fixes for its life, shared by all that are alike. */
export interface Terms {
  readonly account: Counted;
  readonly plan: FixedPlan;
  readonly windows: Windows;
  /** Names its row of the day's totals. */
  readonly totalKey: string;
}

/** Make the terms of a reservation. */
export function termsOf(account: Counted, plan: FixedPlan, windows: Windows): Terms {
  return { account, plan, windows, totalKey: totalKey(account.caller, plan.model.id) };
}

/** What a reservation keeps of its plan. */
export type FixedPlan = Pick<OpenPlan, "asked" | "policyRevision" | "endpoint" | "price" | "annotatedPrice"> & {
  readonly model: { readonly id: string };
};

/** A caller as a reservation keeps it: its names and its counters, whatever its policy said. */
export interface CountedCaller extends Named {
  readonly counters: readonly Counter[];
}

/** A caller with the slots of its counters, found once and checked by their generation. */
export class Counted<OfCaller extends CountedCaller = CountedCaller> {
  readonly caller: OfCaller;
  readonly #slots: number[];
  readonly #generations: number[];

  constructor(caller: OfCaller) {
    this.caller = caller;
    this.#slots = caller.counters.map(() => 0);
    this.#generations = caller.counters.map(() => 0);
  }

  /** The slot of the caller's counter at `index`; 0 where nothing is counted by it. */
  find(counters: CounterRecords, counter: Counter, index: number): number {
    const known = this.#slots[index] ?? 0;
    if (known !== 0 && counters.generation(known) === this.#generations[index]) return known;
    return this.#keep(counters, index, counters.find(counter));
  }

  /** The same, made where there is none. */
  findOrMake(counters: CounterRecords, index: number): number {
    const counter = this.caller.counters[index];
    if (!counter) throw new RangeError(`${this.caller.principal} has no counter ${index}`);
    const found = this.find(counters, counter, index);
    return found === 0 ? this.#keep(counters, index, counters.findOrMake(counter)) : found;
  }

  #keep(counters: CounterRecords, index: number, slot: number): number {
    this.#slots[index] = slot;
    this.#generations[index] = slot === 0 ? 0 : counters.generation(slot);
    return slot;
  }
}

/** A caller under the policy in force. */
export class MemoryAccount extends Counted<Caller> implements Account {
  #terms: Terms | undefined;

  /** The terms of a reservation made now. Most are like the one before, and share its object. */
  terms(plan: OpenPlan, windows: Windows): Terms {
    if (this.#terms?.plan !== plan || this.#terms.windows !== windows) this.#terms = termsOf(this, plan, windows);
    return this.#terms;
  }
}

/**
 * The accounts that somebody holds: the snapshot's cache, or a reservation.
 *
 * A caller that was dropped from the cache and comes back gets the account that its open reservations keep anyway,
 * rather than another one for each of them to keep.
 */
export class LiveAccounts {
  readonly #byStanding = new WeakMap<Standing, Map<string, WeakRef<MemoryAccount>>>();
  readonly #gone = new FinalizationRegistry<() => void>((forget) => forget());

  open(caller: Caller): MemoryAccount {
    const accounts = this.#byStanding.get(caller.standing) ?? new Map<string, WeakRef<MemoryAccount>>();
    this.#byStanding.set(caller.standing, accounts);
    const known = accounts.get(caller.principal)?.deref();
    if (known) return known;

    const account = new MemoryAccount(caller);
    const { principal } = caller;
    accounts.set(principal, new WeakRef(account));
    this.#gone.register(account, () => {
      if (accounts.get(principal)?.deref() === undefined) accounts.delete(principal);
    });
    return account;
  }
}
