import type { LimitRow } from "./answers.js";

/** Where a budget will stand when its window ends, if it goes on as it did. */
export interface Projection {
  /** In the metric's unit. */
  readonly amount: number;
  /** When nothing will be left; undefined: not in this window. */
  readonly fullAt: number | undefined;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LENGTHS: Readonly<Record<string, number>> = { WINDOW_HOUR: HOUR, WINDOW_DAY: DAY, WINDOW_WEEK: 7 * DAY };
/** Of its window must have passed: a pace read off less says little. */
const ENOUGH = 0.02;

/**
 * Say when a calendar window began; undefined for a window that slides.
 *
 * From its end: a month by the days that its zone's calendar gave it. Where clocks change in it, an hour off.
 */
export function windowStart(window: string, end: number, timezone: string): number | undefined {
  if (window !== "WINDOW_MONTH") {
    const length = LENGTHS[window];
    return length === undefined ? undefined : end - length;
  }
  const lastDay = new Intl.DateTimeFormat("en-US", { timeZone: timezone, day: "numeric" }).format(end - 1);
  return end - Number(lastDay) * DAY;
}

/**
 * Project a budget to the end of its window: what was used, at the pace of the window so far, and what is reserved now.
 *
 * @returns undefined where the window slides or has only just begun.
 */
export function project(
  { window, ceiling, used, reserved, resets_at: resetsAt }: LimitRow,
  now: number,
  timezone: string,
): Projection | undefined {
  if (resetsAt === undefined) return undefined;
  const end = Date.parse(resetsAt);
  const start = windowStart(window, end, timezone);
  if (start === undefined) return undefined;
  const passed = (now - start) / (end - start);
  if (passed < ENOUGH || passed > 1) return undefined;

  const perMs = Number(used) / (now - start);
  const amount = Number(used) / passed + Number(reserved);
  const isFull = Number(used) + Number(reserved) >= Number(ceiling);
  if (isFull || amount <= Number(ceiling)) return { amount, fullAt: undefined };
  return { amount, fullAt: start + (Number(ceiling) - Number(reserved)) / perMs };
}
