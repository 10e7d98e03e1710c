import { fits } from "./charges.js";
import type { EpochMs } from "./units.js";

/** A part of what a counter holds, and when it goes by time alone. */
export interface Departure {
  readonly at: EpochMs;
  readonly amount: number;
}

/** What is held against a charge that did not fit. */
export interface Crowded {
  readonly ceiling: number;
  readonly charge: number;
  /** What stays until the window turns. */
  readonly staying: number;
  /** When all of it goes: the end of a calendar window; undefined in others. */
  readonly turnsAt: EpochMs | undefined;
}

/**
 * Find when a charge would fit by time alone.
 *
 * @returns undefined where it never would.
 */
export function freesAt(
  { ceiling, charge, staying, turnsAt }: Crowded,
  departures: readonly Departure[],
): EpochMs | undefined {
  if (!fits(ceiling, 0, charge)) return undefined;
  // From the last one back, because a sum that has passed 2^53-1 can be added to, but not taken from.
  let counted = staying;
  let frees = turnsAt;
  for (const { at, amount } of [...departures].sort((left, right) => right.at - left.at)) {
    if (!fits(ceiling, counted, charge)) break;
    frees = at;
    counted += amount;
  }
  return frees;
}
