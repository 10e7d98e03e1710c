import type { Account, CounterStore } from "../../src/app/ports.js";
import type { Caller } from "../../src/domain/caller.js";

/**
 * Several stores that share one truth, asked in turns, each replaced by a fresh one every so many calls: what one knows
 * by itself must not matter.
 */
export function replicasOf(make: () => CounterStore, { count, lives }: { count: number; lives: number }): CounterStore {
  const replicas = Array.from({ length: count }, make);
  const accounts = new Map<CounterStore, Map<Caller, Account>>();
  let calls = 0;
  const next = (): CounterStore => {
    const nth = ++calls % count;
    if (calls % lives === 0) replicas[nth] = make();
    return replicas[nth] ?? make();
  };
  const accountIn = (store: CounterStore, { caller }: Account): Account => {
    const known = accounts.get(store) ?? new Map<Caller, Account>();
    accounts.set(store, known);
    const account = known.get(caller) ?? store.open(caller);
    known.set(caller, account);
    return account;
  };
  return {
    open: (caller) => ({ caller }),
    reserve: (reserve) => {
      const store = next();
      return store.reserve({ ...reserve, account: accountIn(store, reserve.account) });
    },
    settle: (settle) => next().settle(settle),
    charge: (charge) => {
      const store = next();
      return store.charge({ ...charge, account: accountIn(store, charge.account) });
    },
    release: (release) => next().release(release),
    read: (account, calendar, now) => {
      const store = next();
      return store.read(accountIn(store, account), calendar, now);
    },
    counters: (page) => next().counters(page),
    reservations: (page, now) => next().reservations(page, now),
    totals: (page, now) => next().totals(page, now),
  };
}
