import { type Days, GROUPINGS, type TotalsAsked } from "../app/read-totals.js";
import { parseDay, parseMonth } from "../domain/day.js";
import type { Refusal } from "./admin-guard.js";

const PARAMETERS: ReadonlySet<string> = new Set(["by", "day", "month", "top"]);
const TOP = 10;
const MOST_TOP = 1_000;

/** Read what `/v1/usage` is asked by: whose usage, of which day or month, and how many are to be named. */
export function readTotalsQuery(query: URLSearchParams): TotalsAsked | Refusal {
  const names = [...query.keys()];
  if (names.some((name) => !PARAMETERS.has(name)) || new Set(names).size < names.length) {
    return fault(`the parameters are ${[...PARAMETERS].join(", ")}, each at most once`);
  }
  const by = GROUPINGS.find((grouping) => grouping === (query.get("by") ?? "principal"));
  if (!by) return fault(`by is one of ${GROUPINGS.join(", ")}`);
  const top = Number(query.get("top") ?? TOP);
  if (!/^\d{1,4}$/.test(query.get("top") ?? "1") || top < 1 || top > MOST_TOP) {
    return fault(`top is a whole number from 1 to ${MOST_TOP}`);
  }
  const days = daysOf(query.get("day"), query.get("month"));
  return "error" in days ? days : { by, days, top };
}

function daysOf(day: string | null, month: string | null): Days | Refusal {
  if (day !== null && month !== null) return fault("give day or month, not both");
  if (month !== null) return parseMonth(month) ?? fault("month is written 2026-03");
  if (day === null || day === "today") return { daysAgo: 0 };
  if (day === "yesterday") return { daysAgo: 1 };
  const label = parseDay(day);
  return label === undefined ? fault("day is today, yesterday or a date as 2026-03-10") : { first: label, last: label };
}

function fault(error: string): Refusal {
  return { status: 400, error };
}
