import type {
  Account,
  Away,
  Charge,
  ChargeResult,
  CounterPage,
  CounterStore,
  DayPage,
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
} from "../../app/ports.js";
import type { Caller } from "../../domain/caller.js";
import type { Amounts } from "../../domain/charges.js";
import { endsAt, settlementOf } from "../../domain/settlement.js";
import type { EpochMs } from "../../domain/units.js";
import { type Calendar, laterOf, type Windows } from "../../domain/window.js";
import { refusingOf } from "./account-counters.js";
import type { ChangeLog } from "./change-log.js";
import { type ChargedOnce, onceKey } from "./charged-once.js";
import type { Ending } from "./counter-records.js";
import type { Counters } from "./counters.js";
import type { Random24 } from "./ids.js";
import { LiveAccounts, MemoryAccount } from "./memory-account.js";
import { isForeign, nameOf } from "./owner.js";
import { readingsOf } from "./readings.js";
import { type RequestName, type Reservations, requestNamed } from "./reservations.js";
import { counterPage, grantOf, reservationPage } from "./shown.js";
import { chargedTotal, StoreState } from "./store-state.js";

/** Two are dropped for each one made, so what is no longer needed never piles up under load. */
const COLLECTED_PER_CALL = 2;

/** How much the store holds. */
export interface StoreStats {
  readonly open: number;
  /** Expired unsettled, since the start. */
  readonly expired: number;
  /** Reservations and unreserved usage that are open or still remembered. */
  readonly remembered: number;
  readonly counters: number;
}

/**
 * The counter store of one process: exact, and forgotten when the process ends, unless a log keeps its changes.
 *
 * Every method runs to its end without waiting, so the event loop itself makes each of them atomic.
 */
export class MemoryStore implements CounterStore {
  readonly #state: StoreState;
  readonly #counters: Counters;
  readonly #reservations: Reservations;
  readonly #chargedOnce: ChargedOnce;
  readonly #log: ChangeLog | undefined;
  readonly #accounts = new LiveAccounts();
  #proposed: Windows | undefined;

  /**
   * @param random must not be guessable: it makes reservation_ids, and who knows one may settle it.
   * @param kept what an earlier process left, or a test began with; and who is told of every change to it.
   */
  constructor(random: Random24, kept?: { readonly state: StoreState; readonly log?: ChangeLog }) {
    this.#state = kept?.state ?? new StoreState(random);
    this.#log = kept?.log;
    this.#counters = this.#state.counters;
    this.#reservations = this.#state.reservations;
    this.#chargedOnce = this.#state.chargedOnce;
  }

  open(caller: Caller): Account {
    return this.#accounts.open(caller);
  }

  reserve(reserve: Reserve): ReserveResult {
    const { now, worst, dryRun } = reserve;
    const account = own(reserve.account);
    const windows = this.#advance(reserve.calendar, now);
    const named = reserve.requestId === "" || dryRun ? undefined : naming(account.caller, reserve.requestId);
    const known = named ? this.#reservations.findByRequest(named, now) : 0;
    if (known !== 0) return this.#repeat(known, reserve, windows);

    const refusing = refusingOf(this.#counters, account, worst, { windows, now });
    const shadowDenials = refusing?.shadow ? [...reserve.shadowDenials, ...refusing.shadow] : reserve.shadowDenials;
    if (refusing?.denies) {
      return { kind: "refused", shadowDenials, readings: this.#readings(account, worst, windows, now) };
    }
    const before = reserve.readAll && dryRun ? this.#readings(account, undefined, windows, now) : undefined;
    if (dryRun) return { kind: "would_admit", shadowDenials, readings: before };

    const slot = this.#write(reserve, account, windows, named?.key);
    this.#reservations.setShadowDenials(slot, shadowDenials);
    this.#state.findTotal(slot);
    const away = this.#log?.reserved(slot);
    if (away) {
      this.#reservations.forget(slot);
      return away;
    }
    this.#state.hold(slot);
    return this.#admitted(slot, reserve, windows);
  }

  settle(settle: Settle): SettleResult {
    const { now, claimant } = settle;
    const windows = this.#advance(settle.calendar, now);
    const slot =
      "reservationId" in settle.name
        ? this.#reservations.findById(settle.name.reservationId, now)
        : this.#reservations.findByRequest(requestNamed(settle.name, settle.name.requestId), now);
    if (slot === 0) return this.#settledElsewhere(settle, now);

    const { account, plan } = this.#reservations.terms(slot);
    const caller = nameOf(account.caller);
    if (isForeign(claimant, caller)) return { kind: "foreign" };
    const estimate = this.#reservations.amounts(slot);
    const already = this.#reservations.isSettled(slot);
    const amounts = already ? estimate : settlementOf(plan, estimate, settle.usage, settle.outcome);
    if (!amounts) return { kind: "uncountable" };
    if (!already) {
      const away = this.#log?.settled(slot, amounts, now);
      if (away) return away;
      this.#state.settle(slot, amounts, { windows, now });
    }
    const unreserved = this.#reservations.isLate(slot);
    return { kind: "settled", cost: amounts.cost, already, unreserved, caller, amounts, model: plan.model.id };
  }

  charge({ account, plan, amounts, key, now, calendar }: Charge): ChargeResult {
    const windows = this.#advance(calendar, now);
    const { caller } = own(account);
    const name = nameOf(caller);
    const once = onceKey("reservationId" in key ? key : { ...name, ...key });
    const known = this.#chargedOnce.find(once, now);
    if (known) return { kind: "charged", cost: known.amounts.cost, already: true };

    const usage = { amounts, caller: name, model: plan.model?.id ?? "" };
    const present = { windows, now };
    const isBeyond = this.#state.totals.isBeyond(chargedTotal(usage, own(account), present));
    const away = this.#log?.charged(once, usage, own(account), now, isBeyond);
    if (away) return away;
    this.#state.charge(once, usage, own(account), present, isBeyond);
    return { kind: "charged", cost: amounts.cost, already: false };
  }

  release({ reservationId, forget, now, calendar }: Release): ReleaseResult {
    const windows = this.#advance(calendar, now);
    const slot = this.#reservations.findById(reservationId, now);
    if (slot === 0 || !this.#reservations.isOpen(slot, now)) return { kind: "not_open" };
    if (forget && this.#reservations.hasComeAgain(slot)) return { kind: "not_open" };

    const away = this.#log?.released(slot, forget, now);
    if (away) return away;
    this.#state.release(slot, forget, { windows, now });
    return { kind: "released" };
  }

  read(account: Account, calendar: Calendar, now: EpochMs): readonly Reading[] {
    const windows = this.#advance(calendar, now);
    return this.#readings(own(account), undefined, windows, now);
  }

  counters(page: Page): CounterPage {
    return counterPage(this.#counters, page);
  }

  reservations(page: Page, now: EpochMs): ReservationPage {
    return reservationPage(this.#reservations, page, now);
  }

  totals({ day, ...page }: DayPage, now: EpochMs): TotalPage {
    return this.#state.totals.page(day, page, now);
  }

  /**
   * Drop some of what is no longer needed; to be called from time to time, for when no calls come.
   *
   * @param count at most so many records and counters are looked at, which bounds the time it takes.
   */
  sweep(count: number, calendar: Calendar, now: EpochMs): void {
    const windows = this.#advance(calendar, now);
    this.#reservations.collect(count, now);
    this.#chargedOnce.collect(count, now);
    this.#counters.sweep(count, windows, now);
  }

  stats(now: EpochMs): StoreStats {
    this.#reservations.advance(now);
    return {
      open: this.#reservations.openCount,
      expired: this.#reservations.expiredCount,
      remembered: this.#reservations.rememberedCount + this.#chargedOnce.size,
      counters: this.#counters.size,
    };
  }

  /** Let time pass: what has expired is closed, and no window goes back. */
  #advance(calendar: Calendar, now: EpochMs): Windows {
    const proposed = calendar.at(now);
    this.#reservations.advance(now);
    this.#reservations.collect(COLLECTED_PER_CALL, now);
    const { windows } = this.#state;
    if (windows && this.#proposed === proposed) return windows;
    const turned = windows ? laterOf(windows, proposed) : proposed;
    this.#state.turnTo(turned);
    this.#proposed = proposed;
    this.#log?.turned(turned, now);
    return turned;
  }

  /** What no reservation of this name is known for may be remembered as a bill, or be another workspace's. */
  #settledElsewhere(settle: Settle, now: EpochMs): SettleResult {
    const billed = this.#settledOnce(settle, now);
    const [workspace, ...otherWorkspaces] = settle.otherWorkspaces ?? [];
    if (billed.kind !== "unknown" || workspace === undefined || "reservationId" in settle.name) return billed;
    return this.settle({ ...settle, name: { ...settle.name, workspace }, otherWorkspaces });
  }

  /** Usage that no reservation stood behind is remembered by the same ids. */
  #settledOnce({ name, claimant }: Settle, now: EpochMs): SettleResult {
    const known = this.#chargedOnce.find(onceKey(name), now);
    if (!known) return { kind: "unknown" };
    const { amounts, caller, model } = known;
    if (isForeign(claimant, caller)) return { kind: "foreign" };
    return { kind: "settled", cost: amounts.cost, already: true, unreserved: true, caller, amounts, model };
  }

  #repeat(slot: number, reserve: Reserve, windows: Windows): ReserveResult {
    if (!this.#reservations.isOpen(slot, reserve.now)) {
      return { kind: "conflict", message: `request_id ${reserve.requestId} was used, and its reservation is closed` };
    }
    const away = this.#cameAgain(slot);
    if (away) return away;
    if (!this.#reservations.isFor(slot, reserve.plan, reserve.request)) {
      return { kind: "conflict", message: `request_id ${reserve.requestId} is in use for a call with other content` };
    }
    return this.#admitted(slot, reserve, windows);
  }

  /** Whoever asks again may be told of the reservation, and then has it whatever becomes of who asked first. */
  #cameAgain(slot: number): Away | undefined {
    if (this.#reservations.hasComeAgain(slot)) return undefined;
    this.#reservations.setComeAgain(slot);
    return this.#log?.repeated(slot);
  }

  #admitted(slot: number, { account, readAll, now }: Reserve, windows: Windows): ReserveResult {
    const readings = readAll ? this.#readings(own(account), undefined, windows, now) : undefined;
    return { kind: "admitted", grant: grantOf(this.#reservations, slot), readings };
  }

  #write(
    { request, plan, worst, now }: Reserve,
    account: MemoryAccount,
    windows: Windows,
    key: string | undefined,
  ): number {
    const ending = endingOf(account.caller, now);
    return this.#reservations.add(account.terms(plan, windows), request, worst, ending, now, key);
  }

  #readings(account: MemoryAccount, worst: Amounts | undefined, windows: Windows, now: EpochMs): readonly Reading[] {
    return readingsOf(this.#counters, account.caller, worst, windows, now);
  }
}

function own(account: Account): MemoryAccount {
  if (account instanceof MemoryAccount) return account;
  throw new TypeError("an account is good for the store that opened it only");
}

function naming({ principal, standing }: Caller, requestId: string): RequestName {
  return requestNamed({ workspace: standing.workspace.name, principal }, requestId);
}

function endingOf({ standing: { workspace } }: Caller, now: EpochMs): Ending {
  return { ends: endsAt(now, workspace.reservationTtlMs), givesBack: workspace.unsettled === "release" };
}
