import type { CalendarWindow, Window } from "./limit.js";
import type { EpochMs, Millis } from "./units.js";

/** The sliding windows, by length. Each slides in steps of a tenth. */
export const SLIDING_MS = { second: 1_000, minute: 60_000 } as const;
export type SlidingWindow = keyof typeof SLIDING_MS;

/** How many steps a charge counts for after the one that it fell in: never less than the window, at most 1.1 of it. */
export const STEPS = 10;

/** Whether charges leave this window step by step. */
export function isSliding(window: Window): window is SlidingWindow {
  return window === "second" || window === "minute";
}

/** Whether this window turns with the calendar. */
export function isCalendar(window: Window): window is CalendarWindow {
  return window === "hour" || window === "day" || window === "week" || window === "month";
}

/** The length of one step of a sliding window. */
export function stepMs(window: SlidingWindow): Millis {
  return SLIDING_MS[window] / STEPS;
}

/** One calendar window. */
export interface Span {
  /**
   * Orders windows of a kind and names one of them for good. Hours: the starting instant in minutes since 1970. Days
   * and weeks: the local date (of the Monday) in days since 1970. Months: year x 12 + month.
   */
  readonly label: number;
  readonly end: EpochMs;
}

/** The calendar windows that are open at one instant. */
export interface Windows extends Readonly<Record<CalendarWindow, Span>> {
  /** When the first of them ends. */
  readonly until: EpochMs;
}

/**
 * The calendar of a time zone. Remembers the windows that are open, because finding them costs many reads of the zone.
 *
 * Windows never go back: not when the clock does, and not when an edited time zone says an earlier date than the
 * calendar before it had reached. Such a window stays open until the new zone, too, has passed its label.
 */
export class Calendar {
  readonly timezone: string;
  readonly #localTime: Intl.DateTimeFormat;
  #open: Windows | undefined;

  /**
   * @param timezone an IANA name.
   * @param before the windows of the calendar that this one replaces.
   * @throws RangeError for a zone that is not known.
   */
  constructor(timezone: string, before?: Windows) {
    this.timezone = timezone;
    this.#localTime = localTimeFormat(timezone);
    this.#open = before && { ...before, until: 0 };
  }

  /** The windows that are open now. */
  at(now: EpochMs): Windows {
    if (this.#open && now < this.#open.until) return this.#open;
    this.#open = this.#turn(now, this.#open);
    return this.#open;
  }

  #turn(now: EpochMs, before: Windows | undefined): Windows {
    const span = (window: CalendarWindow): Span => {
      const label = Math.max(this.#label(window, now), before?.[window].label ?? 0);
      const known = before?.[window];
      if (known?.label === label && before?.until !== 0) return known;
      return { label, end: this.#end(window, label, now) };
    };
    const windows = { hour: span("hour"), day: span("day"), week: span("week"), month: span("month") };
    return { ...windows, until: Math.min(...Object.values(windows).map(({ end }) => end)) };
  }

  #label(window: CalendarWindow, at: EpochMs): number {
    const local = this.#local(at);
    if (window === "hour") return (at - (at % MINUTE)) / MINUTE - local.minute;
    if (window === "month") return local.year * 12 + local.month;
    const day = Date.UTC(local.year, local.month - 1, local.day) / DAY;
    if (window === "day") return day;
    return day - ((day + DAYS_FROM_MONDAY_TO_EPOCH) % 7);
  }

  /**
   * The first instant whose label is later. Searched rather than computed: zones skip and repeat midnights, and a label
   * that another zone's calendar left may lie within an hour of this one.
   */
  #end(window: CalendarWindow, label: number, now: EpochMs): EpochMs {
    let before = now;
    let after = now + LONGEST[window];
    while (this.#label(window, after) <= label) after += LONGEST[window];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.#label(window, middle) > label) after = middle;
      else before = middle;
    }
    return after;
  }

  #local(at: EpochMs): LocalTime {
    const found: Record<string, number> = {};
    for (const { type, value } of this.#localTime.formatToParts(at)) found[type] = Number(value);
    return {
      year: found["year"] ?? 0,
      month: found["month"] ?? 0,
      day: found["day"] ?? 0,
      minute: found["minute"] ?? 0,
    };
  }
}

interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly minute: number;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** 1970-01-01 was a Thursday. */
const DAYS_FROM_MONDAY_TO_EPOCH = 3;
/** Longer than any window of the kind, whatever the zone does meanwhile. */
const LONGEST = { hour: DAY / 12, day: 2 * DAY, week: 9 * DAY, month: 33 * DAY } as const;

function localTimeFormat(timezone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    calendar: "gregory",
    numberingSystem: "latn",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    hourCycle: "h23",
  });
}

/**
 * Where an instant falls in a window: the step of a sliding window, the label of a calendar window, 0 for what is in
 * flight.
 */
export function placeIn(window: Window, windows: Windows, at: EpochMs): number {
  if (isSliding(window)) return Math.floor(at / stepMs(window));
  return isCalendar(window) ? windows[window].label : 0;
}

/** When a step has left its sliding window. Infinite in windows that do not slide. */
export function leavesAt(window: Window, step: number): EpochMs {
  return isSliding(window) ? (step + STEPS + 1) * stepMs(window) : Number.POSITIVE_INFINITY;
}

/** The later of two windows of each kind, so that no counter's window goes back whatever it is told. */
export function laterOf(left: Windows, right: Windows): Windows {
  const later = (window: CalendarWindow) => (right[window].label >= left[window].label ? right[window] : left[window]);
  return { hour: later("hour"), day: later("day"), week: later("week"), month: later("month"), until: right.until };
}
