import type { Reading } from "../../app/ports.js";
import type { Caller } from "../../domain/caller.js";
import { type Amounts, chargeOf, fits } from "../../domain/charges.js";
import type { Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { isCalendar, isSliding, type Windows } from "../../domain/window.js";
import type { Counters } from "./counters.js";

/**
 * Read every counter of a caller. Makes none: whoever only asks leaves nothing behind.
 *
 * @param worst what is asked for; undefined: nothing, and nothing refuses.
 */
export function readingsOf(
  counters: Counters,
  caller: Caller,
  worst: Amounts | undefined,
  windows: Windows,
  now: EpochMs,
): readonly Reading[] {
  return caller.standing.counted.map((limit, index) => {
    const counter = caller.counters[index];
    const slot = counter ? counters.find(counter) : 0;
    if (slot !== 0) counters.advance(slot, limit.window, windows, now);
    const used = slot === 0 ? 0 : counters.used(slot);
    const reserved = slot === 0 ? 0 : counters.reserved(slot);
    const resetsAt = resetsAtOf(counters, slot, limit.window, windows, now);
    const charge = worst && chargeOf(limit.metric, worst);
    if (charge === undefined || fits(limit.ceiling, used + reserved, charge)) {
      return { used, reserved, resetsAt, refuses: false, freesAt: undefined };
    }
    const turnsAt = isCalendar(limit.window) ? resetsAt : undefined;
    const freesAt = slot === 0 ? undefined : counters.freesAt(slot, limit.window, limit.ceiling, charge, turnsAt);
    return { used, reserved, resetsAt, refuses: true, freesAt };
  });
}

function resetsAtOf(
  counters: Counters,
  slot: number,
  window: Window,
  windows: Windows,
  now: EpochMs,
): EpochMs | undefined {
  if (isCalendar(window)) return windows[window].end;
  if (!isSliding(window)) return undefined;
  return slot === 0 ? now : counters.emptyAt(slot, window, now);
}
