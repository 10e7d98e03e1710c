import { type Amounts, chargeOf, fits } from "../../domain/charges.js";
import type { Metric, Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { placeIn, type Windows } from "../../domain/window.js";
import type { Ending } from "./counter-records.js";
import type { Counters } from "./counters.js";
import type { Counted, MemoryAccount } from "./memory-account.js";

/** Where a reservation's amounts fell, and how they end. */
export interface Holding {
  readonly account: Counted;
  /** The windows that it was reserved in. */
  readonly windows: Windows;
  readonly reservedAt: EpochMs;
  readonly ending: Ending;
}

/** The time as the store knows it. */
export interface Present {
  readonly windows: Windows;
  readonly now: EpochMs;
}

/** Which limits do not let a charge through. */
export interface Refusing {
  readonly denies: boolean;
  /** Names of those in shadow. */
  readonly shadow: readonly string[] | undefined;
}

/**
 * Say which counters do not let the worst case through; undefined where all do.
 *
 * Makes no counter: a call that is refused, or only asks, leaves nothing behind.
 */
export function refusingOf(
  counters: Counters,
  account: MemoryAccount,
  worst: Amounts,
  { windows, now }: Present,
): Refusing | undefined {
  const { caller } = account;
  let denies = false;
  let shadow: string[] | undefined;
  let index = 0;
  for (const limit of caller.standing.counted) {
    const counter = caller.counters[index];
    if (!counter) throw new RangeError(`limit ${limit.name} has no counter`);
    const slot = account.find(counters, counter, index++);
    if (slot !== 0) counters.advance(slot, limit.window, windows, now);
    const counted = slot === 0 ? 0 : counters.used(slot) + counters.reserved(slot);
    if (fits(limit.ceiling, counted, chargeOf(limit.metric, worst))) continue;
    if (limit.shadow) shadow = [...(shadow ?? []), limit.name];
    else denies = true;
  }
  return denies || shadow ? { denies, shadow } : undefined;
}

/** Add a reservation's worst case to what is reserved. */
export function holdAll(counters: Counters, { account, windows, reservedAt, ending }: Holding, worst: Amounts): void {
  let index = 0;
  for (const { window, metric } of account.caller.counters) {
    const slot = account.findOrMake(counters, index++);
    counters.advance(slot, window, windows, reservedAt);
    counters.reserve(slot, window, placeIn(window, windows, reservedAt), chargeOf(metric, worst), ending);
  }
}

/** Take a reservation's worst case from what is reserved. */
export function giveBackAll(counters: Counters, holding: Holding, worst: Amounts, present: Present): void {
  eachCounter(counters, holding.account, present, (slot, window, metric) => {
    const place = placeIn(window, holding.windows, holding.reservedAt);
    counters.unreserve(slot, window, place, chargeOf(metric, worst), holding.ending);
  });
}

/**
 * Add to what is used, in the windows that a reservation was made in.
 *
 * @param charged what was charged for it already, which this replaces.
 */
export function useAll(
  counters: Counters,
  { account, windows, reservedAt }: Omit<Holding, "ending">,
  actual: Amounts,
  charged: Amounts | undefined,
  present: Present,
): void {
  eachCounter(counters, account, present, (slot, window, metric) => {
    const change = chargeOf(metric, actual) - (charged ? chargeOf(metric, charged) : 0);
    counters.use(slot, window, placeIn(window, windows, reservedAt), change, present.now);
  });
}

/** Visit each counter of an account, brought up to date. */
function eachCounter(
  counters: Counters,
  account: Counted,
  { windows, now }: Present,
  visit: (slot: number, window: Window, metric: Metric) => void,
): void {
  let index = 0;
  for (const { window, metric } of account.caller.counters) {
    const slot = account.findOrMake(counters, index++);
    counters.advance(slot, window, windows, now);
    visit(slot, window, metric);
  }
}
