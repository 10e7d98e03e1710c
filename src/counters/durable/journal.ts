import type { Away } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import type { EpochMs } from "../../domain/units.js";
import type { Windows } from "../../domain/window.js";
import type { ChangeLog } from "../memory/change-log.js";
import type { ChargedUsage } from "../memory/charged-once.js";
import type { Counted } from "../memory/memory-account.js";
import type { StoreState } from "../memory/store-state.js";
import { ByteWriter } from "./bytes.js";
import { Carry } from "./carry.js";
import type { StateLog } from "./durable-log.js";
import { RecordWriter } from "./record-writer.js";
import type { Segments } from "./segments.js";

/** A few hundred at a time take less than a millisecond. */
const CARRIED_AT_ONCE = 500;
/** How far the time in the journal may lag behind in a store that is only read. */
const TIME_LAG_MS = 60_000;

export interface JournalOptions {
  readonly state: StoreState;
  readonly segments: Segments;
  readonly log: StateLog;
  /** The latest time that the journal knows. */
  readonly lastSeen: EpochMs;
  /** How many records of what lives are written at a time. */
  readonly carriedAtOnce?: number | undefined;
}

/**
 * Writes every change before it is made, in one write of the file system each.
 *
 * A change that cannot be written is not made, and none after it until `step` finds that writing works again. Small
 * changes that still fit on a full disk are refused too, so that what is answered does not hang on their size.
 */
export class Journal implements ChangeLog {
  readonly #state: StoreState;
  readonly #segments: Segments;
  readonly #log: StateLog;
  readonly #bytes = new ByteWriter();
  readonly #records = new RecordWriter(this.#bytes);
  readonly #carriedAtOnce: number;
  #carry: Carry | undefined;
  /** When the segment began. */
  #since: EpochMs;
  /** The latest time written. */
  #told: EpochMs;
  #windowsWritten: Windows | undefined;
  /** Why the last change could not be written; undefined: it could. */
  #failing: Away | undefined;

  constructor({ state, segments, log, lastSeen, carriedAtOnce = CARRIED_AT_ONCE }: JournalOptions) {
    this.#carriedAtOnce = carriedAtOnce;
    this.#state = state;
    this.#segments = segments;
    this.#log = log;
    this.#since = lastSeen;
    this.#told = lastSeen;
    this.#carry = new Carry(state, this.#records, lastSeen);
  }

  /** Whether changes are refused because they could not be written. */
  get isFailing(): boolean {
    return this.#failing !== undefined;
  }

  /** Whether all that lives stands in the newest segment. */
  get isCarried(): boolean {
    return this.#carry === undefined;
  }

  turned(_windows: Windows, now: EpochMs): void {
    if (this.#failing) return;
    this.#begin(now);
    this.#commit();
  }

  reserved(slot: number): Away | undefined {
    if (this.#failing) return this.#failing;
    const { reservations } = this.#state;
    this.#begin(reservations.reservedAt(slot));
    this.#makeCounters(reservations.terms(slot).account);
    this.#records.defineTerms(reservations.terms(slot));
    this.#records.reservation("reserved", reservations, slot);
    return this.#commit();
  }

  repeated(slot: number): Away | undefined {
    if (this.#failing) return this.#failing;
    const { reservations } = this.#state;
    this.#begin(reservations.reservedAt(slot));
    this.#records.defineTerms(reservations.terms(slot));
    this.#records.reservation("reservation", reservations, slot);
    return this.#commit();
  }

  settled(slot: number, actual: Amounts, now: EpochMs): Away | undefined {
    if (this.#failing) return this.#failing;
    this.#begin(now);
    this.#carryAhead(slot);
    this.#makeCounters(this.#state.reservations.terms(slot).account);
    this.#records.settled(slot, this.#state.reservations.word(slot, 0), actual, now);
    return this.#commit();
  }

  released(slot: number, forget: boolean, now: EpochMs): Away | undefined {
    if (this.#failing) return this.#failing;
    this.#begin(now);
    this.#carryAhead(slot);
    this.#makeCounters(this.#state.reservations.terms(slot).account);
    this.#records.released(slot, this.#state.reservations.word(slot, 0), forget, now);
    return this.#commit();
  }

  charged(key: string, usage: ChargedUsage, account: Counted, now: EpochMs, isBeyond: boolean): Away | undefined {
    if (this.#failing) return this.#failing;
    this.#begin(now);
    this.#makeCounters(account);
    this.#records.defineAccount(account);
    this.#records.charged(key, usage, account, now, isBeyond);
    return this.#commit();
  }

  /** Go on with what is not urgent: the time, the carrying forward, the next segment. To be called often. */
  step(now: EpochMs): void {
    if (this.#segments.turnIfDue(this.isCarried)) this.#beginSegment(now);
    if (this.#failing) this.#tryAgain();
    if (this.#failing) return;
    if (now >= this.#told + TIME_LAG_MS) this.tell(now);
    if (this.#carry) this.#step(this.#carry, now);
  }

  /** Write the time. */
  tell(now: EpochMs): void {
    if (this.#failing) return;
    this.#begin(now);
    this.#records.time(now);
    this.#commit();
  }

  #step(carry: Carry, now: EpochMs): void {
    const isDone = carry.step(this.#carriedAtOnce, now);
    if (isDone) this.#records.carried();
    if (this.#commit() || !isDone) return;
    this.#carry = undefined;
    this.#segments.retireOlder();
  }

  #beginSegment(now: EpochMs): void {
    this.#since = Math.max(this.#told, now);
    this.#forgetWritten();
    this.#carry = new Carry(this.#state, this.#records, this.#since);
    if (this.#failing) return;
    this.#begin(now);
    this.#commit();
  }

  /** Begin the records of one change: in which windows it falls comes first. */
  #begin(now: EpochMs): void {
    const { windows } = this.#state;
    if (windows && windows !== this.#windowsWritten) {
      this.#records.turned(windows, now);
      this.#windowsWritten = windows;
    }
    this.#told = Math.max(this.#told, now);
  }

  /** A new counter's slot is told before the change that makes it: pages of counters are named by slots. */
  #makeCounters(account: Counted): void {
    const { counters } = this.#state;
    let index = 0;
    for (const counter of account.caller.counters) {
      if (account.find(counters, counter, index) === 0) {
        const slot = account.findOrMake(counters, index);
        this.#records.counter(slot, counter, counters.stateOf(slot));
      }
      index++;
    }
  }

  /** A change to a reservation says which one only, so what that is must come first. */
  #carryAhead(slot: number): void {
    if (!this.#carry?.lacks(slot)) return;
    this.#records.defineTerms(this.#state.reservations.terms(slot));
    this.#records.reservation("reservation", this.#state.reservations, slot);
  }

  #commit(): Away | undefined {
    const { bytes, length } = this.#bytes;
    if (length === 0) return undefined;
    const cause = this.#segments.append(bytes, length);
    if (cause) return this.#failed(cause);
    this.#bytes.cut(0);
    return undefined;
  }

  #tryAgain(): void {
    if (this.#segments.probe()) return;
    this.#failing = undefined;
    this.#log.writesAgain();
  }

  #failed(cause: Error): Away {
    this.#forgetWritten();
    if (!this.#failing) this.#log.cannotWrite(cause);
    this.#failing = { kind: "away", cause };
    return this.#failing;
  }

  /** What was to be defined may not be in the segment: define anew, and begin the carrying forward again. */
  #forgetWritten(): void {
    this.#bytes.cut(0);
    this.#records.renew();
    this.#windowsWritten = undefined;
    if (this.#carry) this.#carry = new Carry(this.#state, this.#records, this.#since);
  }
}
