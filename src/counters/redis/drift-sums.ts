import { type EpochMs, MAX_AMOUNT } from "../../domain/units.js";
import { isCalendar, leavesAt, type Windows } from "../../domain/window.js";
import { endOf, type HeldLot, type Lot, nameLot } from "./drift-lots.js";

/** Beyond so many lots one look takes half of the counters, or a quarter, and so on: about 200 bytes a lot, so 10 MB. */
const MOST_LOTS = 50_000;
/** Names of reservations that are kept while lots are in doubt: about 60 bytes each, so 12 MB. */
const MOST_NAMED = 200_000;

interface Sum {
  readonly lot: Pick<Lot, "window" | "place" | "end">;
  /** In its cell, before the records were read. */
  before: number;
  /** By the records. */
  held: number;
}

/** When a look ends. */
export interface LookEnd {
  /** Lots that end from then on may have grown since the look began. */
  readonly horizon: EpochMs;
  readonly now: EpochMs;
  readonly windows: Windows;
}

export interface DriftSumsOptions {
  /** By which counters are left out where there are too many. A whole number. */
  readonly seed: number;
  /** Names of the lots to look at; all when left out. */
  readonly only?: ReadonlySet<string> | undefined;
  readonly most?: number;
  readonly mostNamed?: number;
}

/** Adds up what cells and records say of each lot. */
export class DriftSums {
  readonly #options: DriftSumsOptions;
  readonly #sums = new Map<string, Sum>();
  /** A counter is left out where its hash has one of these bits. */
  #leftOut = 0;
  /** Reservations that were added up: a walk may come by a key twice. */
  readonly #named = new Set<string>();
  #isSure = true;

  constructor(options: DriftSumsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sums.size;
  }

  /** Take what a cell holds, in place of what it held when a walk came by before. */
  sawCell(lots: Iterable<HeldLot>): void {
    const fresh = new Set<Sum>();
    for (const lot of lots) {
      const sum = this.#sumOf(lot);
      if (!sum) continue;
      sum.before = lot.amount + (fresh.has(sum) ? sum.before : 0);
      fresh.add(sum);
    }
  }

  /** Add what one open reservation holds. secret: what names it and no other. */
  sawRecord(secret: string, lots: Iterable<HeldLot>): void {
    let isNew: boolean | undefined;
    for (const lot of lots) {
      const sum = this.#sumOf(lot);
      if (!sum) continue;
      isNew ??= this.#isNew(secret);
      if (!isNew) return;
      sum.held += lot.amount;
    }
  }

  /** Names of the lots whose cells must be read again, because cell and records do not say the same. */
  differing(): readonly string[] {
    return [...this.#sums].filter(([, { before, held }]) => before !== held).map(([name]) => name);
  }

  /**
   * Say what each lot holds that is nobody's (above 0), or at least lacks (below 0).
   *
   * @param after what the cells of `differing` hold now.
   */
  differences(after: ReadonlyMap<string, number>, end: LookEnd): { lots: number; found: Map<string, number> } {
    const found = new Map<string, number>();
    let lots = 0;
    for (const [name, sum] of this.#sums) {
      if (!isSettled(sum.lot, end)) continue;
      lots++;
      if (sum.before === sum.held) continue;
      const difference = differenceOf(sum, after.get(name) ?? 0);
      if (difference > 0 || (difference < 0 && this.#isSure)) found.set(name, difference);
    }
    return { lots, found };
  }

  /** Only lots in doubt are worth the memory: any other is looked at again before anything is done. */
  #isNew(secret: string): boolean {
    const { only, mostNamed = MOST_NAMED } = this.#options;
    if (!only) return true;
    if (this.#named.has(secret)) return false;
    if (this.#named.size < mostNamed) this.#named.add(secret);
    // One that comes twice may make a lot look as if it lacked something; never as if it held too much.
    else this.#isSure = false;
    return true;
  }

  #sumOf(lot: Lot): Sum | undefined {
    const { only, most = MOST_LOTS } = this.#options;
    if (this.#leftOut > 0 && this.#isLeftOut(lot.principal, lot.field)) return undefined;
    const name = nameLot(lot);
    const known = this.#sums.get(name);
    if (known || (only && !only.has(name))) return known;
    const { window, place, end } = lot;
    const sum = { lot: { window, place, end }, before: 0, held: 0 };
    this.#sums.set(name, sum);
    if (this.#sums.size > most && !only) this.#halve();
    return sum;
  }

  #halve(): void {
    this.#leftOut = this.#leftOut * 2 + 1;
    for (const name of this.#sums.keys()) {
      const [principal = "", field = ""] = name.split("\n", 2);
      if (this.#isLeftOut(principal, field)) this.#sums.delete(name);
    }
  }

  #isLeftOut(principal: string, field: string): boolean {
    return (hash(field, hash(principal, this.#options.seed)) & this.#leftOut) !== 0;
  }
}

/** Whether a lot still counts, and cannot have grown during the look. */
function isSettled(lot: Pick<Lot, "window" | "place" | "end">, { horizon, now, windows }: LookEnd): boolean {
  const { window, place } = lot;
  const ends = endOf(lot);
  if (ends <= now || ends >= horizon || leavesAt(window, place) <= now) return false;
  return !isCalendar(window) || (windows[window].label === place && now < windows[window].end);
}

/**
 * Such a lot only falls while it is looked at, and so does what records hold of it. A cell is read before the records, and
 * again after them, so that what the records say lies between where cells and records agree.
 */
function differenceOf({ before, held }: Sum, after: number): number {
  // Above 2^53-1 sums are not exact. A lot that grew breaks what is said above, whatever made it.
  if (before > MAX_AMOUNT || held > MAX_AMOUNT || after > before) return 0;
  if (after > held) return after - held;
  return held > before ? before - held : 0;
}

/** FNV-1a, with its bits mixed once more, since the lowest are the ones that are used. */
function hash(text: string, seed: number): number {
  let bits = seed ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at++) bits = Math.imul(bits ^ text.charCodeAt(at), 0x01000193);
  return Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
}
