import type { Rates } from "./answers.js";

/** Decisions of one outcome. */
export interface OutcomeRates {
  readonly reason: string;
  /** In the whole span. */
  readonly total: number;
  /** A second, over the last 10 seconds. */
  readonly lately: number;
  /** A second, by step; null before the service was there. */
  readonly perSecond: readonly (number | null)[];
}

const LATELY_SECONDS = 10;

/** What the chart shows: what was allowed first, then what came most. */
export function outcomesOf({ counts, step_seconds: step, from }: Rates, startedAt: number): OutcomeRates[] {
  const begun = Date.parse(from) / 1_000;
  const isBefore = (index: number) => (begun + (index + 1) * step) * 1_000 <= startedAt;
  const outcomes = Object.entries(counts).map(([reason, ofReason]) => ({
    reason,
    total: sum(ofReason),
    lately: sum(ofReason.slice(-LATELY_SECONDS / step)) / LATELY_SECONDS,
    perSecond: ofReason.map((count, index) => (isBefore(index) ? null : count / step)),
  }));
  const isAllowed = ({ reason }: OutcomeRates) => Number(reason === "allowed");
  return outcomes.sort((left, right) => isAllowed(right) - isAllowed(left) || right.total - left.total);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
