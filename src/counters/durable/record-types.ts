import type { CalendarWindow } from "../../domain/limit.js";

/** What a record says. The numbers are on disk: they keep their meaning, and a new one gets a new number. */
export const RECORD = {
  /** The time, for when nothing else tells it. */
  time: 1,
  /** Defines windows, an account and a plan by a number, which is good in its segment. */
  windows: 2,
  account: 3,
  plan: 4,
  /** Changes. */
  turned: 5,
  reserved: 6,
  settled: 7,
  released: 8,
  charged: 9,
  /** All that is known of one thing, whatever came before. */
  reservation: 10,
  counter: 11,
  chargedOnce: 12,
  /** All that lived when the segment began stands in it now. */
  carried: 13,
  /** All that a row of a day's totals holds. */
  total: 14,
  /** As `charged`, in the row of totals that many share. */
  chargedBeyond: 15,
} as const;

/** The order in which windows are written. */
export const CALENDAR: readonly CalendarWindow[] = ["hour", "day", "week", "month"];
