import type { CallerName } from "../../app/ports.js";
import type { Counter } from "../../domain/caller.js";
import type { Amounts } from "../../domain/charges.js";
import type { Price } from "../../domain/money.js";
import type { EpochMs } from "../../domain/units.js";
import type { Windows } from "../../domain/window.js";
import type { ChargedUsage } from "../memory/charged-once.js";
import type { CounterState } from "../memory/counter-records.js";
import type { Counted, FixedPlan, Terms } from "../memory/memory-account.js";
import { RECORD_BYTES } from "../memory/reservation-records.js";
import type { Reservations } from "../memory/reservations.js";
import type { Sum } from "../memory/sums.js";
import type { TotalState, Used } from "../memory/total-names.js";
import type { TotalPlace } from "../memory/totals.js";
import type { ByteWriter } from "./bytes.js";
import { beginFrame, endFrame } from "./frames.js";
import { CALENDAR, RECORD } from "./record-types.js";

/** Writes records, each in its frame. What many records name is defined once in each segment, and named by a number. */
export class RecordWriter {
  readonly #to: ByteWriter;
  #numbers = new WeakMap<object, number>();
  #last = 0;

  constructor(to: ByteWriter) {
    this.#to = to;
  }

  /** Begin a segment, in which nothing is defined yet. */
  renew(): void {
    this.#numbers = new WeakMap();
    this.#last = 0;
  }

  /** Define what a reservation's record names, as far as it is not. */
  defineTerms({ account, plan, windows }: Terms): void {
    this.defineAccount(account);
    if (!this.#numbers.has(plan)) this.#plan(plan);
    this.#defineWindows(windows);
  }

  defineAccount(account: Counted): void {
    if (!this.#numbers.has(account)) this.#account(account);
  }

  time(now: EpochMs): void {
    const start = this.#begin(RECORD.time);
    this.#to.f64(now);
    endFrame(this.#to, start);
  }

  turned(windows: Windows, now: EpochMs): void {
    this.#defineWindows(windows);
    const start = this.#begin(RECORD.turned);
    this.#to.u32(this.#number(windows));
    this.#to.f64(now);
    endFrame(this.#to, start);
  }

  /** @param type `reserved` changes its counters, `reservation` says only what it is. Its terms are defined. */
  reservation(type: "reserved" | "reservation", reservations: Reservations, slot: number): void {
    const to = this.#to;
    const { account, plan, windows } = reservations.terms(slot);
    const start = this.#begin(RECORD[type]);
    to.u32(slot);
    to.u32(this.#number(account));
    to.u32(this.#number(plan));
    to.u32(this.#number(windows));
    const at = to.skip(RECORD_BYTES);
    reservations.copyTo(to.bytes, at, slot);
    to.optionalText(reservations.chosenRequestId(slot));
    const names = reservations.shadowDenials(slot);
    to.u32(names.length);
    for (const name of names) to.text(name);
    endFrame(to, start);
  }

  /** @param word of the reservation's id, so that the change meets no other one in its slot. */
  settled(slot: number, word: number, actual: Amounts, now: EpochMs): void {
    const start = this.#begin(RECORD.settled);
    this.#to.u32(slot);
    this.#to.u32(word);
    this.#amounts(actual);
    this.#to.f64(now);
    endFrame(this.#to, start);
  }

  released(slot: number, word: number, forget: boolean, now: EpochMs): void {
    const start = this.#begin(RECORD.released);
    this.#to.u32(slot);
    this.#to.u32(word);
    this.#to.u8(forget ? 1 : 0);
    this.#to.f64(now);
    endFrame(this.#to, start);
  }

  /** Its account is defined. */
  charged(key: string, usage: ChargedUsage, account: Counted, now: EpochMs, isBeyond: boolean): void {
    const start = this.#begin(isBeyond ? RECORD.chargedBeyond : RECORD.charged);
    this.#to.u32(this.#number(account));
    this.#usage(key, usage, now);
    endFrame(this.#to, start);
  }

  chargedOnce(key: string, usage: ChargedUsage, at: EpochMs): void {
    const start = this.#begin(RECORD.chargedOnce);
    this.#usage(key, usage, at);
    endFrame(this.#to, start);
  }

  /** All that a counter holds, and its slot. */
  counter(slot: number, counter: Counter, { label, used, reserved, lots }: CounterState): void {
    const to = this.#to;
    const start = this.#begin(RECORD.counter);
    to.u32(slot);
    this.#counter(counter);
    to.f64(label);
    this.#sum(used);
    this.#sum(reserved);
    to.u32(lots.length);
    for (const { place, ends, givesBack, amount } of lots) {
      to.f64(place);
      to.f64(ends);
      to.u8(givesBack ? 1 : 0);
      this.#sum(amount);
    }
    endFrame(to, start);
  }

  /** All that a row of a day's totals holds. */
  total({ day, key }: TotalPlace, { used, lots }: TotalState): void {
    const to = this.#to;
    const start = this.#begin(RECORD.total);
    to.f64(day);
    to.text(key);
    this.#used(used);
    to.u32(lots.length);
    for (const lot of lots) {
      to.f64(lot.ends);
      this.#used(lot);
    }
    endFrame(to, start);
  }

  carried(): void {
    endFrame(this.#to, this.#begin(RECORD.carried));
  }

  #defineWindows(windows: Windows): void {
    if (this.#numbers.has(windows)) return;
    const start = this.#define(RECORD.windows, windows);
    for (const window of CALENDAR) {
      this.#to.f64(windows[window].label);
      this.#to.f64(windows[window].end);
    }
    this.#to.f64(windows.until);
    endFrame(this.#to, start);
  }

  #account(account: Counted): void {
    const { principal, standing, counters } = account.caller;
    const start = this.#define(RECORD.account, account);
    this.#caller({ principal, role: standing.role.name, workspace: standing.workspace.name });
    this.#to.u32(counters.length);
    for (const counter of counters) this.#counter(counter);
    endFrame(this.#to, start);
  }

  #plan(plan: FixedPlan): void {
    const start = this.#define(RECORD.plan, plan);
    this.#to.text(plan.asked.model);
    this.#to.optionalText(plan.asked.endpoint);
    this.#to.text(plan.model.id);
    this.#to.text(plan.endpoint);
    this.#to.text(plan.policyRevision);
    this.#price(plan.price);
    this.#price(plan.annotatedPrice);
    endFrame(this.#to, start);
  }

  #price(price: Price | undefined): void {
    this.#to.u8(price ? 1 : 0);
    if (!price) return;
    const { denominator, input, cachedInput, output, page, audioSecond } = price.exact;
    for (const part of [denominator, input, cachedInput, output, page, audioSecond]) this.#to.text(part.toString());
  }

  #usage(key: string, { amounts, caller, model }: ChargedUsage, at: EpochMs): void {
    this.#to.text(key);
    this.#amounts(amounts);
    this.#caller(caller);
    this.#to.text(model);
    this.#to.f64(at);
  }

  #caller({ principal, role, workspace }: CallerName): void {
    this.#to.text(principal);
    this.#to.text(role);
    this.#to.text(workspace);
  }

  #counter({ key, metric, window }: Counter): void {
    this.#to.text(key);
    this.#to.text(metric);
    this.#to.text(window);
  }

  #amounts({ inputTokens, outputTokens, cost }: Amounts): void {
    this.#to.f64(inputTokens);
    this.#to.f64(outputTokens);
    this.#to.f64(cost);
  }

  #used(used: Used): void {
    this.#to.f64(used.requests);
    this.#amounts(used);
  }

  #sum({ low, high }: Sum): void {
    this.#to.f64(low);
    this.#to.u32(high);
  }

  #begin(type: number): number {
    const start = beginFrame(this.#to);
    this.#to.u8(type);
    return start;
  }

  #define(type: number, what: object): number {
    const start = this.#begin(type);
    this.#numbers.set(what, ++this.#last);
    this.#to.u32(this.#last);
    return start;
  }

  #number(what: object): number {
    const number = this.#numbers.get(what);
    if (number === undefined) throw new Error("a record names what is not defined in its segment");
    return number;
  }
}
