import type { Reading } from "../../app/ports.js";
import { type Amounts, chargeOf, fits } from "../../domain/charges.js";
import { freesAt } from "../../domain/departure.js";
import type { Limit, Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { type Calendar, isCalendar, isSliding, leavesAt } from "../../domain/window.js";
import { type CellLot, departuresOf, type Instant, readCell } from "./cell.js";
import { reached } from "./open-windows.js";
import type { RedisAccount } from "./redis-account.js";

/** What the store said of a caller: the shared hash's state, then a cell for each of the account's fields. */
export interface Cells {
  readonly values: readonly (Buffer | null)[];
  readonly now: EpochMs;
  /** When it was said, where that was before `now`: what has ended since may have been settled. */
  readonly seen?: EpochMs;
}

/**
 * Turn cells into readings, in the order of the caller's counters.
 *
 * @param worst what was asked for; undefined: nothing, and nothing refuses.
 */
export function readingsOf(
  account: RedisAccount,
  { values, now, seen = now }: Cells,
  calendar: Calendar,
  worst: Amounts | undefined,
): readonly Reading[] {
  const windows = reached(calendar.at(now), values[0] ?? null);
  const readings: Reading[] = [];
  for (const [nth, index] of account.order.entries()) {
    const limit = account.caller.standing.counted[index];
    if (limit) readings[index] = readingOf(limit, values[nth + 1] ?? null, { windows, now, seen }, worst);
  }
  return readings;
}

function readingOf(limit: Limit, cell: Buffer | null, at: Instant, worst: Amounts | undefined): Reading {
  const { window, ceiling } = limit;
  const { windows, now } = at;
  const { used, reserved, staying, lots } = readCell(cell, window, at);
  const turnsAt = isCalendar(window) ? windows[window].end : undefined;
  const resetsAt = turnsAt ?? (isSliding(window) ? emptyAt(window, lots, now) : undefined);
  const charge = worst && chargeOf(limit.metric, worst);
  if (charge === undefined || fits(ceiling, used + reserved, charge)) {
    return { used, reserved, resetsAt, refuses: false, freesAt: undefined };
  }
  const departures = departuresOf(lots, window, turnsAt);
  // A counter of nothing that refuses does so by its ceiling alone.
  const frees = cell ? freesAt({ ceiling, charge, staying, turnsAt }, departures) : undefined;
  return { used, reserved, resetsAt, refuses: true, freesAt: frees };
}

/** When all that is counted now will have left a sliding window; `now` where nothing is. */
function emptyAt(window: Window, lots: readonly CellLot[], now: EpochMs): EpochMs {
  return lots.reduce((last, { step, amount }) => (amount > 0 ? Math.max(last, leavesAt(window, step)) : last), now);
}
