// Numbers, times and names of the admin port, as a person reads them.

const NANO_USD = 1e9;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const RATE = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const SMALL = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumSignificantDigits: 2 });

const ALMOST = 0.999;

/** Write a whole number with separators. */
export function whole(value: number): string {
  return WHOLE.format(value);
}

/** Write a number of events a second. */
export function rate(perSecond: number): string {
  return RATE.format(perSecond);
}

/** Write a part of a whole: 0.5 is 50 %. What is less than the whole is never rounded up to it. */
export function percent(part: number): string {
  if (part < 1) return `${PERCENT.format(Math.min(part, ALMOST) * 100)}\u00a0%`;
  return Number.isFinite(part) ? `${PERCENT.format(part * 100)}\u00a0%` : "over 100\u00a0%";
}

/** Write nano-USD as dollars and cents; by two digits where it is less than ten cents. */
export function dollars(nanoUsd: number): string {
  const usd = nanoUsd / NANO_USD;
  return Math.abs(usd) < 0.1 && usd !== 0 ? SMALL.format(usd) : DOLLARS.format(usd);
}

/** Write an amount of a metric, money in dollars. */
export function amount(metric: string, value: number): string {
  return metric === "METRIC_NANO_USD" ? dollars(value) : whole(value);
}

const METRICS: Readonly<Record<string, string>> = {
  METRIC_NANO_USD: "dollars",
  METRIC_CONCURRENT_REQUESTS: "concurrent requests",
};

/** Name what a limit counts: `tokens per day`, `concurrent requests`. */
export function limitWords({ metric, window }: { readonly metric: string; readonly window: string }): string {
  const counted = METRICS[metric] ?? words(metric.replace(/^METRIC_/, ""));
  return window === "WINDOW_IN_FLIGHT" ? counted : `${counted} per ${words(window.replace(/^WINDOW_/, ""))}`;
}

/** Say what a limit lets each request have at the most. */
export function perRequestWords({ metric, ceiling }: { readonly metric: string; readonly ceiling: string }): string {
  const counted = metric === "METRIC_NANO_USD" ? "" : ` ${words(metric.replace(/^METRIC_/, ""))}`;
  return `${amount(metric, Number(ceiling))}${counted} per request`;
}

/** Write a name that the program uses as words: `rate_limited` is "rate limited". */
export function words(name: string): string {
  return name.toLowerCase().replaceAll("_", " ");
}

/** Write a span of time by its two largest units, with spaces that no line is broken at. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / SECOND)) * SECOND;
  if (seconds < MINUTE) return `${seconds / SECOND}\u00a0s`;
  if (seconds < HOUR) return pair(seconds, [MINUTE, "min"], [SECOND, "s"]);
  if (seconds < DAY) return pair(seconds, [HOUR, "h"], [MINUTE, "min"]);
  return pair(seconds, [DAY, "d"], [HOUR, "h"]);
}

type Unit = readonly [ms: number, name: string];

function pair(ms: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}\u00a0${largeName}${rest > 0 ? `\u00a0${rest}\u00a0${smallName}` : ""}`;
}

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTES = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** Write the time of day, as the reader's own clock shows it. */
export function timeOfDay(at: number): string {
  return TIME.format(at);
}

/** The same, to the minute. */
export function minuteOfDay(at: number): string {
  return MINUTES.format(at);
}

/** Write the day and the time, as the reader's own clock shows them. */
export function dayAndTime(at: number): string {
  return DATE.format(at);
}
