import type { Caller } from "../domain/caller.js";
import type { EpochMs } from "../domain/units.js";
import type { Calendar } from "../domain/window.js";
import type {
  Account,
  Away,
  Charge,
  ChargeResult,
  CounterPage,
  CounterStore,
  DayPage,
  MaybePromise,
  Page,
  Reading,
  Release,
  ReleaseResult,
  ReservationPage,
  Reserve,
  ReserveResult,
  Settle,
  SettleResult,
  TotalPage,
} from "./ports.js";
import { callerFacts, nameFacts, operationOf } from "./trace-facts.js";
import type { CallTrace } from "./tracing.js";
import { whenDone } from "./when-done.js";

/**
 * A store as one followed call asks it: each question is a step of that call. Whom it is about is told too, but for
 * `reserve`: the log is told of that with the decision.
 */
export class FollowedStore implements CounterStore {
  readonly #store: CounterStore;
  readonly #trace: CallTrace;

  constructor(store: CounterStore, trace: CallTrace) {
    this.#store = store;
    this.#trace = trace;
  }

  open(caller: Caller): Account {
    return this.#store.open(caller);
  }

  reserve(reserve: Reserve): MaybePromise<ReserveResult> {
    return this.#trace.step("reserve", () => this.#store.reserve(reserve));
  }

  settle(settle: Settle): MaybePromise<SettleResult> {
    const asked = this.#trace.step("settle", () => this.#store.settle(settle));
    return whenDone(asked, (result) => {
      if (result.kind === "settled") this.#trace.tell(nameFacts(result.caller));
      return result;
    });
  }

  charge(charge: Charge): MaybePromise<ChargeResult> {
    this.#trace.tell({ ...callerFacts(charge.account.caller), ...operationOf(charge.plan.endpoint) });
    return this.#trace.step("charge", () => this.#store.charge(charge));
  }

  release(release: Release): MaybePromise<ReleaseResult> {
    return this.#trace.step("release", () => this.#store.release(release));
  }

  read(account: Account, calendar: Calendar, now: EpochMs): MaybePromise<readonly Reading[] | Away> {
    this.#trace.tell(callerFacts(account.caller));
    return this.#trace.step("read", () => this.#store.read(account, calendar, now));
  }

  counters(page: Page): MaybePromise<CounterPage | Away> {
    return this.#store.counters(page);
  }

  reservations(page: Page, now: EpochMs): MaybePromise<ReservationPage | Away> {
    return this.#store.reservations(page, now);
  }

  totals(page: DayPage, now: EpochMs): MaybePromise<TotalPage | Away> {
    return this.#store.totals(page, now);
  }
}
