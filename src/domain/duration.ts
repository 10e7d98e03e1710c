import type { Millis } from "./units.js";

const UNIT_MS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const FORM = /^(?=\d)(?:(?<h>\d{1,9})h)?(?:(?<m>\d{1,9})m)?(?:(?<s>\d{1,9})s)?(?:(?<ms>\d{1,9})ms)?$/;

/** Read a span of time such as `50ms`, `2s` or `1h30m`; undefined where the text is none. */
export function parseDuration(text: string): Millis | undefined {
  const parts = FORM.exec(text)?.groups;
  if (!parts) return undefined;
  return Object.entries(UNIT_MS).reduce((sum, [unit, unitMs]) => sum + Number(parts[unit] ?? 0) * unitMs, 0);
}

/** Write a span as `parseDuration` reads it: `1h30m`. */
export function formatDuration(ms: Millis): string {
  const parts = [
    [Math.floor(ms / UNIT_MS.h), "h"],
    [Math.floor(ms / UNIT_MS.m) % 60, "m"],
    [Math.floor(ms / UNIT_MS.s) % 60, "s"],
    [ms % UNIT_MS.s, "ms"],
  ] as const;
  return parts.flatMap(([value, unit]) => (value > 0 ? [`${value}${unit}`] : [])).join("") || "0s";
}

const DAY_MS = 86_400_000;
const SPAN = /^(?=\d)(?:(?<d>\d{1,5})d)?(?<rest>.*)$/;

/** Read a span that may be counted in days, such as `90d`, `1d12h` or `15m`; undefined where the text is none. */
export function parseSpan(text: string): Millis | undefined {
  const parts = SPAN.exec(text)?.groups;
  if (!parts) return undefined;
  const { d: days = "0", rest = "" } = parts;
  const ms = rest === "" ? 0 : parseDuration(rest);
  return ms === undefined ? undefined : Number(days) * DAY_MS + ms;
}
