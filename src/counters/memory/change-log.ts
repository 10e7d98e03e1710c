import type { Away } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import type { EpochMs } from "../../domain/units.js";
import type { Windows } from "../../domain/window.js";
import type { ChargedUsage } from "./charged-once.js";
import type { Counted } from "./memory-account.js";

/**
 * Told of each change before it is made. Where it cannot keep a change it says so, and the change is not made.
 */
export interface ChangeLog {
  /** The windows that all that follows falls in. */
  turned(windows: Windows, now: EpochMs): void;
  /** The reservation is in its slot; its counters do not count it yet. */
  reserved(slot: number): Away | undefined;
  /** Its request_id came again, which its record says. */
  repeated(slot: number): Away | undefined;
  settled(slot: number, actual: Amounts, now: EpochMs): Away | undefined;
  released(slot: number, forget: boolean, now: EpochMs): Away | undefined;
  /** @param isBeyond whether the day has no room for a row of totals of its own. */
  charged(key: string, usage: ChargedUsage, account: Counted, now: EpochMs, isBeyond: boolean): Away | undefined;
}
