import type { Clock } from "../app/ports.js";
import type { EpochMs } from "../domain/units.js";

/** The sources of time, for tests to replace. */
export interface TimeSources {
  /** Wall-clock milliseconds since 1970; may step in both directions. */
  readonly wall: () => EpochMs;
  /** Milliseconds that only go forward. */
  readonly steady: () => number;
}

/**
 * Tell the time of day, and never an earlier one than before.
 *
 * After the wall clock stepped back, this one goes on at half speed until the wall has caught up. Standing still would
 * freeze every sliding window for as long as the step was; at half speed they turn late, which admits less, not more.
 */
export function systemClock(
  { wall, steady }: TimeSources = { wall: Date.now, steady: () => performance.now() },
): Clock {
  let told = wall();
  let stepped: { readonly told: EpochMs; readonly steady: number } | undefined;
  return {
    now() {
      const at = wall();
      if (at >= told) {
        stepped = undefined;
        told = at;
        return at;
      }
      stepped ??= { told, steady: steady() };
      told = Math.floor(stepped.told + (steady() - stepped.steady) / 2);
      return told;
    },
  };
}
