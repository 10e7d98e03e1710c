import type { LimitReport } from "../../app/limit-report.js";

/** Find the limit that has the least of its ceiling left. One that is held against each call alone is never used up. */
export function tightest(limits: readonly LimitReport[]): LimitReport | undefined {
  let least: LimitReport | undefined;
  let share = Number.POSITIVE_INFINITY;
  for (const report of limits) {
    const { window, ceiling, shadow } = report.limit;
    if (window === "request" || shadow || report.remaining / ceiling >= share) continue;
    least = report;
    share = report.remaining / ceiling;
  }
  return least;
}
