import { afterAll } from "vitest";
import type { Account, CounterStore } from "../../src/app/ports.js";
import type { DurableStore } from "../../src/counters/durable/durable-store.js";
import type { DurableOptions } from "../../src/counters/durable/open-durable-store.js";
import type { Caller } from "../../src/domain/caller.js";
import type { EpochMs } from "../../src/domain/units.js";
import type { Calendar } from "../../src/domain/window.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { copyJournals, openState, SaidLines, stateRoot } from "../unit/counters/durable/state-directory.js";
import { counterStoreContract } from "./counter-store.contract.js";

const state = stateRoot();
afterAll(() => state.remove());

counterStoreContract("DurableStore", async () => {
  const { store } = await openState(state.next());
  return { store, close: () => store.close() };
});

counterStoreContract(
  "DurableStore, crashed before each call and opened again",
  async () => crashing(await Crashing.open({}, 1)),
  { runs: 40 },
);

// A new journal is begun all the time, and what lives is carried into it one record at a time.
counterStoreContract(
  "DurableStore, crashed every few calls while it carries what lives from journal to journal",
  async () => crashing(await Crashing.open({ turnedBytes: 1, carriedAtOnce: 1 }, 5)),
  { runs: 60 },
);

function crashing(store: Crashing) {
  return { store, close: () => store.close() };
}

/** A store that crashes before every so many calls, and goes on from what was written by then. */
class Crashing implements CounterStore {
  readonly #options: Partial<DurableOptions>;
  readonly #every: number;
  readonly #said: SaidLines;
  #calls = 0;
  #directory: string;
  #store: DurableStore;
  #accounts = new Map<Caller, Account>();
  #before: Promise<unknown> = Promise.resolve();

  private constructor(options: Partial<DurableOptions>, every: number, directory: string, store: DurableStore) {
    this.#options = options;
    this.#every = every;
    this.#directory = directory;
    this.#store = store;
    this.#said = new SaidLines();
  }

  static async open(options: Partial<DurableOptions>, every: number): Promise<Crashing> {
    const all = { ...options, random: seededRandom24(3) };
    const directory = state.next();
    const { store } = await openState(directory, all);
    return new Crashing(all, every, directory, store);
  }

  open(caller: Caller): Account {
    return { caller };
  }

  reserve(reserve: Parameters<CounterStore["reserve"]>[0]) {
    const { calendar, now } = reserve;
    return this.#next(calendar, now, (store) => store.reserve({ ...reserve, account: this.#account(reserve.account) }));
  }

  settle(settle: Parameters<CounterStore["settle"]>[0]) {
    return this.#next(settle.calendar, settle.now, (store) => store.settle(settle));
  }

  charge(charge: Parameters<CounterStore["charge"]>[0]) {
    const { calendar, now } = charge;
    return this.#next(calendar, now, (store) => store.charge({ ...charge, account: this.#account(charge.account) }));
  }

  release(release: Parameters<CounterStore["release"]>[0]) {
    return this.#next(release.calendar, release.now, (store) => store.release(release));
  }

  read(account: Account, calendar: Calendar, now: EpochMs) {
    return this.#next(calendar, now, (store) => store.read(this.#account(account), calendar, now));
  }

  counters(page: Parameters<CounterStore["counters"]>[0]) {
    return this.#store.counters(page);
  }

  reservations(page: Parameters<CounterStore["reservations"]>[0], now: EpochMs) {
    return this.#store.reservations(page, now);
  }

  totals(page: Parameters<CounterStore["totals"]>[0], now: EpochMs) {
    return this.#store.totals(page, now);
  }

  async close(): Promise<void> {
    await this.#store.close();
    if (this.#said.lines.length > 0) throw new Error(this.#said.lines.join("\n"));
  }

  /** Crash, and then call. Calls that come at once do so one after the other. */
  #next<Result>(calendar: Calendar, now: EpochMs, call: (store: DurableStore) => Result): Promise<Result> {
    const called = this.#before.then(async () => {
      await this.#crashNow(calendar, now);
      return call(this.#store);
    });
    this.#before = called.then(
      () => undefined,
      () => undefined,
    );
    return called;
  }

  async #crashNow(calendar: Calendar, now: EpochMs): Promise<void> {
    this.#store.sweep(SWEPT, calendar, now);
    // What is done in the background is at another place at each crash.
    if (this.#calls % 2 === 0) await this.#store.sync();
    if (++this.#calls % this.#every === 0) await this.#crash();
  }

  async #crash(): Promise<void> {
    const directory = state.next();
    copyJournals(this.#directory, directory);
    this.#store.abandon();
    this.#directory = directory;
    const { store } = await openState(directory, { ...this.#options, log: this.#said });
    this.#store = store;
    this.#accounts = new Map();
  }

  #account({ caller }: Account): Account {
    const account = this.#accounts.get(caller) ?? this.#store.open(caller);
    this.#accounts.set(caller, account);
    return account;
  }
}

const SWEPT = 10_000;
