import { type Endpoint, hasOutput } from "../domain/model.js";
import type { Outcome, Usage } from "../domain/settlement.js";
import type { Answer } from "./answer-reader.js";

/** What was reserved for a call, and how it asked to be answered. */
export interface Reserved {
  readonly endpoint: Endpoint;
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  readonly audioSeconds: number;
  readonly pages: number;
  readonly streams: boolean;
  readonly annotatedPages: boolean;
}

/** What a call is settled by. */
export interface Settlement {
  readonly usage: Usage | undefined;
  readonly outcome: Outcome;
}

/** Mistral goes on for a moment after its client is gone: some dozens of tokens were seen. */
const TAIL_TOKENS = 64;

/**
 * Say in numbers what the store would fill in from a reservation, where it has none: the estimate, or nothing for a call
 * that failed.
 */
export function inFull(reserved: Reserved, { usage, outcome }: Settlement): Settlement {
  if (usage) return { usage, outcome };
  const { inputTokens, maxOutputTokens: outputTokens, audioSeconds, pages, annotatedPages } = reserved;
  const estimate = { inputTokens, cachedInputTokens: 0, outputTokens, pages, audioSeconds, annotatedPages };
  const nothing = { ...estimate, inputTokens: 0, outputTokens: 0, pages: 0, audioSeconds: 0 };
  return { usage: outcome === "failed" ? nothing : estimate, outcome };
}

/**
 * Say what an answer is settled by.
 *
 * Mistral charges no error. A stream that was cut is charged its input and what was seen of its output, by its bytes:
 * no token is shorter than one. What ended without telling its usage is charged by the estimate.
 *
 * @param status - 0 where no answer came.
 */
export function settlementOf(reserved: Reserved, status: number, answer: Answer | undefined): Settlement {
  const { endpoint, inputTokens, maxOutputTokens, audioSeconds, streams, annotatedPages } = reserved;
  if (answer?.usage)
    return { usage: { ...answer.usage, annotatedPages }, outcome: answer.isWhole ? "succeeded" : "cancelled" };
  if (status >= 300) return { usage: undefined, outcome: "failed" };
  if (answer?.isWhole) return { usage: undefined, outcome: "succeeded" };
  if (!(answer?.isStream ?? streams) || !hasOutput(endpoint)) return { usage: undefined, outcome: "cancelled" };
  const outputTokens = Math.min(maxOutputTokens, (answer?.outputBytes ?? 0) + TAIL_TOKENS);
  return {
    usage: { inputTokens, cachedInputTokens: 0, outputTokens, pages: 0, audioSeconds, annotatedPages },
    outcome: "cancelled",
  };
}
