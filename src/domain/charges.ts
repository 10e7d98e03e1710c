import type { Metric } from "./limit.js";
import { MAX_AMOUNT, type NanoUsd, type Tokens } from "./units.js";

/** What one call adds to its counters. */
export interface Amounts {
  readonly inputTokens: Tokens;
  readonly outputTokens: Tokens;
  readonly cost: NanoUsd;
}

/** How much of a metric these amounts are, 2^53-1 at the most. One call is one request. */
export function chargeOf(metric: Metric, amounts: Amounts): number {
  switch (metric) {
    case "requests":
    case "concurrent_requests":
      return 1;
    case "tokens":
      return Math.min(amounts.inputTokens + amounts.outputTokens, MAX_AMOUNT);
    case "input_tokens":
      return amounts.inputTokens;
    case "output_tokens":
      return amounts.outputTokens;
    case "usd":
      return amounts.cost;
  }
}

/**
 * Whether a ceiling lets a charge through on top of what is counted already.
 *
 * A ceiling of 0 refuses always, even a charge of 0. Sums are safe: each part is at most 2^53-1, and rounding above
 * that cannot bring a sum back under a ceiling.
 */
export function fits(ceiling: number, counted: number, charge: number): boolean {
  return ceiling > 0 && counted + charge <= ceiling;
}
