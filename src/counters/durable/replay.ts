import type { EpochMs } from "../../domain/units.js";
import type { Windows } from "../../domain/window.js";
import type { Present } from "../memory/account-counters.js";
import { type Counted, type FixedPlan, termsOf } from "../memory/memory-account.js";
import { RECORD_BYTES, reservedAtOf } from "../memory/reservation-records.js";
import type { StoreState } from "../memory/store-state.js";
import { ByteReader } from "./bytes.js";
import {
  readAccount,
  readAmounts,
  readCounterState,
  readPlan,
  readTotalState,
  readUsage,
  readWindows,
  UnreadableRecord,
} from "./record-reader.js";
import { RECORD } from "./record-types.js";

/** More than each change makes, so that what is long over does not pile up. */
const COLLECTED_PER_RECORD = 2;

/**
 * Makes the changes of a journal anew, one after the other.
 *
 * A change may be to a counter that is not known yet, because the segment begins with it: it is counted from nothing,
 * and the record of all that the counter holds comes later. A change to a reservation comes behind its record always;
 * where damage took that away, the change is left out.
 */
export class Replay {
  readonly #state: StoreState;
  readonly #windows = new Map<number, Windows>();
  readonly #accounts = new Map<number, Counted>();
  readonly #plans = new Map<number, FixedPlan>();
  #lastSeen: EpochMs = 0;

  constructor(state: StoreState) {
    this.#state = state;
    state.counters.beginRestoring();
  }

  /** The latest time that any record tells; 0: none did. */
  get lastSeen(): EpochMs {
    return this.#lastSeen;
  }

  /** Begin a segment: numbers of the one before mean nothing in it. */
  renew(): void {
    this.#windows.clear();
    this.#accounts.clear();
    this.#plans.clear();
  }

  /**
   * Make one change.
   *
   * @returns what is wrong with the record; undefined where it was applied.
   */
  apply(bytes: Buffer, start: number, end: number): string | undefined {
    try {
      this.#apply(new ByteReader(bytes, start, end));
      return undefined;
    } catch (error) {
      if (error instanceof UnreadableRecord || error instanceof RangeError) return error.message;
      throw error;
    }
  }

  /** Bring the state into the order that a store expects. */
  finish(): void {
    this.#state.counters.endRestoring();
    this.#state.reservations.settleDown();
    this.#state.chargedOnce.settleDown();
  }

  #apply(from: ByteReader): void {
    const type = from.u8();
    switch (type) {
      case RECORD.time:
        this.#see(from.f64());
        return;
      case RECORD.windows:
        this.#windows.set(from.u32(), readWindows(from));
        return;
      case RECORD.account:
        this.#accounts.set(from.u32(), readAccount(from));
        return;
      case RECORD.plan:
        this.#plans.set(from.u32(), readPlan(from));
        return;
      case RECORD.turned:
        this.#state.turnTo(known(this.#windows, from.u32()));
        this.#see(from.f64());
        return;
      case RECORD.reserved:
        this.#state.hold(this.#reservation(from, true));
        return;
      case RECORD.reservation:
        this.#reservation(from, false);
        return;
      case RECORD.settled:
        this.#settled(from);
        return;
      case RECORD.released:
        this.#released(from);
        return;
      case RECORD.charged:
      case RECORD.chargedBeyond:
        this.#charged(from, type === RECORD.chargedBeyond);
        return;
      case RECORD.chargedOnce: {
        const { key, usage, at } = readUsage(from);
        this.#state.chargedOnce.remember(key, usage, at);
        return;
      }
      case RECORD.counter: {
        const { slot, counter, state } = readCounterState(from);
        this.#state.counters.restore(slot, counter, state);
        return;
      }
      case RECORD.total: {
        const { place, state } = readTotalState(from);
        this.#state.totals.restore(place, state);
        return;
      }
      case RECORD.carried:
        return;
      default:
        throw new UnreadableRecord(`no record is of type ${type}`);
    }
  }

  #see(now: EpochMs): void {
    this.#lastSeen = Math.max(this.#lastSeen, now);
    this.#state.reservations.advance(this.#lastSeen);
    this.#state.reservations.collect(COLLECTED_PER_RECORD, this.#lastSeen);
  }

  #reservation(from: ByteReader, isNew: boolean): number {
    const { reservations } = this.#state;
    const slot = from.u32();
    const account = known(this.#accounts, from.u32());
    const plan = known(this.#plans, from.u32());
    const terms = termsOf(account, plan, known(this.#windows, from.u32()));
    const copy = from.bytes(RECORD_BYTES);
    const requestId = from.optionalText();
    const shadowDenials = Array.from({ length: from.u32() }, () => from.text());
    if (isNew) this.#see(reservedAtOf(copy));
    reservations.restore(slot, terms, copy, requestId, this.#lastSeen);
    reservations.setShadowDenials(slot, shadowDenials);
    return slot;
  }

  #settled(from: ByteReader): void {
    const slot = this.#slot(from);
    const actual = readAmounts(from);
    const present = this.#present(from.f64());
    if (!this.#state.reservations.isSettled(slot)) this.#state.settle(slot, actual, present);
  }

  #released(from: ByteReader): void {
    const slot = this.#slot(from);
    const forget = from.u8() === 1;
    const present = this.#present(from.f64());
    if (this.#state.reservations.isOpen(slot, present.now)) this.#state.release(slot, forget, present);
  }

  #charged(from: ByteReader, isBeyond: boolean): void {
    const account = known(this.#accounts, from.u32());
    const { key, usage, at } = readUsage(from);
    this.#state.charge(key, usage, account, this.#present(at), isBeyond);
  }

  #slot(from: ByteReader): number {
    const slot = from.u32();
    const word = from.u32();
    const { reservations } = this.#state;
    if (!reservations.holds(slot) || reservations.word(slot, 0) !== word) {
      throw new UnreadableRecord(`the reservation in slot ${slot} is not known`);
    }
    return slot;
  }

  #present(now: EpochMs): Present {
    const { windows } = this.#state;
    if (!windows) throw new UnreadableRecord("no windows are known");
    this.#see(now);
    return { windows, now };
  }
}

function known<T>(defined: ReadonlyMap<number, T>, number: number): T {
  const found = defined.get(number);
  if (found === undefined) throw new UnreadableRecord(`what is called ${number} is not known`);
  return found;
}
