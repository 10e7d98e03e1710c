import type { Alert, AlertTarget } from "./alert.js";
import { globMatches } from "./glob.js";
import { isPerRequest, type Limit } from "./limit.js";
import type { Policy } from "./policy.js";
import type { EpochMs, Millis } from "./units.js";
import { isCalendar, type Windows } from "./window.js";

/** How a limit stands, as far as alerts ask. */
export interface Standing {
  readonly limit: Limit;
  readonly used: number;
  readonly reserved: number;
  readonly resetsAt: EpochMs | undefined;
}

/** What an alert tells: a share of the ceiling is taken, or will be all of it before the window ends. */
export type Occasion =
  | { readonly kind: "threshold"; readonly percent: number }
  | { readonly kind: "forecast"; readonly runsOutAt: EpochMs };

/** Somebody to be told something, once in a window. */
export interface Due {
  readonly target: AlertTarget;
  readonly occasion: Occasion;
  /** Names the occasion and its window: `80 month 1796083200000`. */
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
 * hour, and what is in flight, are told of once in an hour at most. What was read of a window that has ended since is
 * told of neither that window nor the next.
 */
export function alertsDue(
  alerts: readonly Alert[],
  standing: Standing,
  windows: Windows,
  now: EpochMs,
): readonly Due[] {
  const { limit, used, reserved, resetsAt } = standing;
  const taken = used + reserved;
  const until = isCalendar(limit.window) ? resetsAt : windows.hour.end;
  if (taken === 0 || limit.ceiling === 0 || until === undefined || until <= now) return [];
  const window = `${limit.window} ${until}`;
  return alerts.filter(isAbout(limit)).flatMap(({ at, forecast, target }) => {
    const reached = at
      .filter((percent) => taken * 100 >= limit.ceiling * percent)
      .map((percent): Due => ({ target, occasion: { kind: "threshold", percent }, id: `${percent} ${window}`, until }));
    const runsOutAt = forecast ? forecastOf(limit, taken, windows, until, now) : undefined;
    if (runsOutAt === undefined) return reached;
    return [...reached, { target, occasion: { kind: "forecast", runsOutAt }, id: `forecast ${window}`, until }];
  });
}

/** Whether any alert is about limits that principals have for themselves, of whom there may be many. */
export function isAboutPrincipals({ alerts, roles, principals }: Policy): boolean {
  const isOne = (limit: Limit) => !isPerRequest(limit) && !limit.shared && alerts.some(isAbout(limit));
  for (const { limits } of roles.values()) if (limits.some(isOne)) return true;
  for (const { limits } of principals.values()) if (limits.some(isOne)) return true;
  return false;
}

function isAbout({ name }: Limit): (alert: Alert) => boolean {
  return ({ limits }) => limits.some((pattern) => globMatches(pattern, name));
}

/** When a calendar window's pace so far will have used its ceiling up; undefined: not before it ends. */
function forecastOf(
  { window, ceiling }: Limit,
  taken: number,
  windows: Windows,
  end: EpochMs,
  now: EpochMs,
): EpochMs | undefined {
  // A store whose clock has turned before this one's: the next round knows how long its window is.
  if (!isCalendar(window) || taken >= ceiling || windows[window].end !== end) return undefined;
  const length = { hour: HOUR, day: DAY, week: WEEK_DAYS * DAY, month: daysIn(windows.month.label) * DAY }[window];
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
