import type { CounterStore } from "../../src/app/ports.js";
import { MemoryStore } from "../../src/counters/memory/memory-store.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { counterStoreContract } from "./counter-store.contract.js";

counterStoreContract("MemoryStore", () => ({ store: new MemoryStore(seededRandom24(1)) }));

// Sweeping must never be seen: whatever it drops counted nothing, and no slot that is used again is mistaken.
counterStoreContract(
  "MemoryStore, swept before each call",
  () => ({ store: swept(new MemoryStore(seededRandom24(2))) }),
  {
    runs: 60,
  },
);

const ALL = 10_000;

function swept(store: MemoryStore): CounterStore {
  return {
    open: (caller) => store.open(caller),
    reserve: (reserve) => {
      store.sweep(ALL, reserve.calendar, reserve.now);
      return store.reserve(reserve);
    },
    settle: (settle) => {
      store.sweep(ALL, settle.calendar, settle.now);
      return store.settle(settle);
    },
    charge: (charge) => {
      store.sweep(ALL, charge.calendar, charge.now);
      return store.charge(charge);
    },
    release: (release) => {
      store.sweep(ALL, release.calendar, release.now);
      return store.release(release);
    },
    read: (account, calendar, now) => {
      store.sweep(ALL, calendar, now);
      return store.read(account, calendar, now);
    },
    counters: (page) => store.counters(page),
    reservations: (page, now) => store.reservations(page, now),
    totals: (page, now) => store.totals(page, now),
  };
}
