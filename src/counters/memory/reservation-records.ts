import type { Amounts } from "../../domain/charges.js";
import type { AccessRequest } from "../../domain/evaluate.js";
import type { OpenPlan } from "../../domain/plan.js";
import type { EpochMs, Millis } from "../../domain/units.js";
import type { Ending } from "./counter-records.js";
import type { Random24 } from "./ids.js";
import type { Terms } from "./memory-account.js";
import { Slab } from "./slab.js";

const INPUT = 0;
const OUTPUT = 8;
const COST = 16;
const PAGES = 24;
const AUDIO = 32;
const RESERVED_AT = 40;
const ENDS = 48;
const WORDS = 56;
const FLAGS = 76;
export const LINKS = { before: 80, after: 84 };
const BYTES = 88;

/** How much of a record says what it is; the rest links it to others. */
export const RECORD_BYTES = LINKS.before;

const SETTLED = 1;
const RELEASED = 2;
const LATE = 4;
const GIVES_BACK = 8;
const CAP_ASKED = 16;
const ANNOTATED = 32;
const CAME_AGAIN = 64;
const BEYOND = 128;

/** When the reservation of a copied record was made. */
export function reservedAtOf(copy: Buffer): EpochMs {
  return copy.readDoubleLE(RESERVED_AT);
}

/** How long a closed reservation is remembered. */
export const MEMORY_MS: Millis = 600_000;

/** What each reservation holds, by slot: the layout of a record, and what it says. */
export class ReservationRecords {
  readonly slab = new Slab(BYTES);
  readonly #terms: (Terms | undefined)[] = [];

  /** Write a new record. */
  write(
    terms: Terms,
    request: AccessRequest,
    worst: Amounts,
    { ends, givesBack }: Ending,
    now: EpochMs,
    random: Random24,
  ): number {
    const slot = this.slab.take();
    this.slab.setF64(slot, INPUT, worst.inputTokens);
    this.slab.setF64(slot, OUTPUT, worst.outputTokens);
    this.slab.setF64(slot, COST, worst.cost);
    this.slab.setF64(slot, PAGES, request.pages);
    this.slab.setF64(slot, AUDIO, request.audioSeconds);
    this.slab.setF64(slot, RESERVED_AT, now);
    this.slab.setF64(slot, ENDS, ends);
    for (let word = WORDS; word < FLAGS; word += 4) this.slab.setU32(slot, word, random());
    this.slab.setU32(slot, FLAGS, flagsOf(request, givesBack));
    this.#terms[slot] = terms;
    return slot;
  }

  /** Write a record as it was copied. */
  writeCopy(slot: number, terms: Terms, copy: Buffer): void {
    this.slab.claim(slot);
    this.slab.copyFrom(copy, slot);
    this.#terms[slot] = terms;
  }

  /** Copy a record to a place in other bytes, `RECORD_BYTES` of it. */
  copyTo(target: Buffer, at: number, slot: number): void {
    this.slab.copyTo(target, at, slot, RECORD_BYTES);
  }

  /** Give a record's slot back. */
  erase(slot: number): void {
    this.#terms[slot] = undefined;
    this.slab.give(slot);
  }

  /** Whether a slot holds a record now. */
  holds(slot: number): boolean {
    return this.#terms[slot] !== undefined;
  }

  /** End a record as settled, and with what it cost. */
  setSettled(slot: number, cost: number, isLate: boolean): void {
    this.#set(slot, isLate ? SETTLED | LATE : SETTLED);
    this.slab.setF64(slot, COST, cost);
  }

  /** End a record as given back by the operator. */
  setReleased(slot: number): void {
    this.#set(slot, RELEASED);
  }

  /** Whether its request_id came again while it was open. */
  hasComeAgain(slot: number): boolean {
    return this.#has(slot, CAME_AGAIN);
  }

  setComeAgain(slot: number): void {
    this.#set(slot, CAME_AGAIN);
  }

  /** Whether the day had no room for a row of totals of its own when it was made. */
  isBeyond(slot: number): boolean {
    return this.#has(slot, BEYOND);
  }

  setBeyond(slot: number): void {
    this.#set(slot, BEYOND);
  }

  /** Say when it closed, which is from when on it is remembered for a while. */
  setEnds(slot: number, ends: EpochMs): void {
    this.slab.setF64(slot, ENDS, ends);
  }

  terms(slot: number): Terms {
    const terms = this.#terms[slot];
    if (!terms) throw new RangeError(`reservation ${slot} is gone`);
    return terms;
  }

  /** The worst case; once settled, its cost is what was charged. */
  amounts(slot: number): Amounts {
    return {
      inputTokens: this.slab.f64(slot, INPUT),
      outputTokens: this.slab.f64(slot, OUTPUT),
      cost: this.slab.f64(slot, COST),
    };
  }

  ending(slot: number): Ending {
    return { ends: this.slab.f64(slot, ENDS), givesBack: this.#has(slot, GIVES_BACK) };
  }

  reservedAt(slot: number): EpochMs {
    return this.slab.f64(slot, RESERVED_AT);
  }

  isOpen(slot: number, now: EpochMs): boolean {
    return !this.#has(slot, SETTLED | RELEASED) && this.slab.f64(slot, ENDS) > now;
  }

  isSettled(slot: number): boolean {
    return this.#has(slot, SETTLED);
  }

  /** Whether it was settled after its end. */
  isLate(slot: number): boolean {
    return this.#has(slot, LATE);
  }

  /** Whether its end gave everything back: it was released, or expired so. */
  wasGivenBack(slot: number): boolean {
    return this.#has(slot, RELEASED | GIVES_BACK);
  }

  /** Open, or closed less than ten minutes ago. */
  isRemembered(slot: number, now: EpochMs): boolean {
    return now < this.slab.f64(slot, ENDS) + MEMORY_MS;
  }

  /**
   * Whether a request asks for what this reservation was made for: by the same names, or by others that mean the same.
   * A name that has come to mean another model since still asks for what it asked for.
   */
  isFor(slot: number, plan: OpenPlan, request: AccessRequest): boolean {
    const { plan: made } = this.terms(slot);
    const isAsked = made.asked.model === plan.asked.model && made.asked.endpoint === plan.asked.endpoint;
    const isMeant = made.model.id === plan.model.id && made.endpoint === plan.endpoint;
    const cap = this.#has(slot, CAP_ASKED) ? this.slab.f64(slot, OUTPUT) : 0;
    return (
      (isAsked || isMeant) &&
      this.slab.f64(slot, INPUT) === request.inputTokens &&
      cap === (plan.hasOutput ? request.maxOutputTokens : 0) &&
      this.slab.f64(slot, PAGES) === request.pages &&
      this.slab.f64(slot, AUDIO) === request.audioSeconds &&
      this.#has(slot, ANNOTATED) === request.annotatedPages
    );
  }

  /** One of the five words of its ids. */
  word(slot: number, index: number): number {
    return this.slab.u32(slot, WORDS + index * 4);
  }

  #has(slot: number, flags: number): boolean {
    return (this.slab.u32(slot, FLAGS) & flags) !== 0;
  }

  #set(slot: number, flags: number): void {
    this.slab.setU32(slot, FLAGS, this.slab.u32(slot, FLAGS) | flags);
  }
}

function flagsOf(request: AccessRequest, givesBack: boolean): number {
  return (
    (givesBack ? GIVES_BACK : 0) |
    (request.maxOutputTokens > 0 ? CAP_ASKED : 0) |
    (request.annotatedPages ? ANNOTATED : 0)
  );
}
