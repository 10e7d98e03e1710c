import type { Alert, AlertTarget } from "./alert.js";
import { globMatches } from "./glob.js";
import type { Limit } from "./limit.js";
import type { EpochMs, Millis } from "./units.js";
import { isCalendar, type Windows } from "./window.js";

/** How a limit stands, as far as alerts ask. */
export interface Standing {
  readonly limit: Limit;
  readonly used: number;
  readonly reserved: number;
}

/** What an alert tells: a share of the ceiling is taken, or will be all of it before the window ends. */
export type Occasion =
  | { readonly kind: "threshold"; readonly percent: number }
  | { readonly kind: "forecast"; readonly runsOutAt: EpochMs };

/** Somebody to be told something, once in a window. */
export interface Due {
  readonly target: AlertTarget;
  readonly occasion: Occasion;
  /** Names the occasion and its window: `80 month 24311`. */
  readonly id: string;
  /** Until when it must not be told again. */
  readonly until: EpochMs;
}

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
const WEEK_DAYS = 7;
/** Earlier, one large call would look like a pace. */
const LEAST_ELAPSED = 0.1;

/**
 * Say what is to be told of one limit, whether or not it was told already.
 *
 * What counts is what decides: used and reserved. A limit of 0 refuses always, so nobody is told. Windows shorter than an
 * hour, and what is in flight, are told of once in an hour at most.
 */
export function alertsDue(
  alerts: readonly Alert[],
  { limit, used, reserved }: Standing,
  windows: Windows,
  now: EpochMs,
): readonly Due[] {
  const taken = used + reserved;
  if (taken === 0 || limit.ceiling === 0) return [];
  const { label, end } = windows[isCalendar(limit.window) ? limit.window : "hour"];
  const window = `${limit.window} ${label}`;
  return alerts
    .filter(({ limits }) => limits.some((pattern) => globMatches(pattern, limit.name)))
    .flatMap(({ at, forecast, target }) => {
      const reached = at
        .filter((percent) => taken * 100 >= limit.ceiling * percent)
        .map((percent): Due => {
          return { target, occasion: { kind: "threshold", percent }, id: `${percent} ${window}`, until: end };
        });
      const runsOutAt = forecast ? forecastOf(limit, taken, windows, now) : undefined;
      if (runsOutAt === undefined) return reached;
      return [...reached, { target, occasion: { kind: "forecast", runsOutAt }, id: `forecast ${window}`, until: end }];
    });
}

/** When a calendar window's pace so far will have used its ceiling up; undefined: not before it ends. */
function forecastOf({ window, ceiling }: Limit, taken: number, windows: Windows, now: EpochMs): EpochMs | undefined {
  if (!isCalendar(window) || taken >= ceiling) return undefined;
  const { label, end } = windows[window];
  const length = { hour: HOUR, day: DAY, week: WEEK_DAYS * DAY, month: daysIn(label) * DAY }[window];
  // A day in which clocks change is an hour longer or shorter, which no forecast is exact enough to mind.
  const elapsed = now - (end - length);
  if (elapsed < length * LEAST_ELAPSED) return undefined;
  const runsOutAt = now + Math.ceil(((ceiling - taken) / taken) * elapsed);
  return runsOutAt < end ? runsOutAt : undefined;
}

/** @param label year x 12 + month, months from 1. */
function daysIn(label: number): number {
  const year = Math.floor((label - 1) / 12);
  // The day before the first one of the next month.
  return new Date(Date.UTC(year, label - year * 12, 0)).getUTCDate();
}
