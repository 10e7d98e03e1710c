import type { Endpoint } from "../domain/model.js";
import type { Usage } from "../domain/settlement.js";
import { MAX_AMOUNT } from "../domain/units.js";
import { isRecord } from "./json-value.js";

const NOTHING: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};

/** Name the member of an answer, or of an event of a stream, that says what the call used. */
export function usageMember(endpoint: Endpoint): "usage" | "usage_info" {
  return endpoint === "ocr" ? "usage_info" : "usage";
}

/**
 * Read what a call used from the value of the member that `usageMember` names.
 *
 * OCR and transcription count no tokens, whatever Mistral counted. `annotatedPages` is false: only the request says so.
 *
 * @returns undefined where it is not known: an amount that must be there is absent or null, or one that is there is no
 *   whole number from 0 to 2^53-1 (of seconds a fraction is rounded up). What is not known is never taken for 0.
 */
export function usageOf(endpoint: Endpoint, value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  const usage = amountsOf(endpoint, value);
  return isCountable(usage) ? usage : undefined;
}

function amountsOf(endpoint: Endpoint, value: Readonly<Record<string, unknown>>): Usage {
  switch (endpoint) {
    case "ocr":
      return { ...NOTHING, pages: amount(value["pages_processed"]) ?? Number.NaN };
    case "audio_transcriptions":
      return { ...NOTHING, audioSeconds: seconds(value["prompt_audio_seconds"]) ?? Number.NaN };
    case "chat_completions":
    case "fim_completions":
    case "agents_completions":
    case "conversations":
      return tokensOf(value, Number.NaN);
    case "embeddings":
    case "moderations":
    case "classifications":
      return tokensOf(value, 0);
  }
}

/**
 * Tokens as they are billed. `total_tokens` is not read: it holds audio too, which is priced by the second.
 *
 * `prompt_tokens` includes cached ones. It does not include what built-in tools fed to the model, which Mistral's
 * totals count beside it as `connector_tokens`.
 */
function tokensOf(value: Readonly<Record<string, unknown>>, absentOutput: number): Usage {
  const prompt = amount(value["prompt_tokens"]) ?? Number.NaN;
  return {
    ...NOTHING,
    inputTokens: prompt + (amount(value["connector_tokens"]) ?? 0),
    cachedInputTokens: Math.min(cachedOf(value), prompt),
    outputTokens: amount(value["completion_tokens"]) ?? absentOutput,
    audioSeconds: seconds(value["prompt_audio_seconds"]) ?? 0,
  };
}

/** The three places where Mistral has put this number, in the order of trust; the last is its own misspelling. */
function cachedOf(value: Readonly<Record<string, unknown>>): number {
  return (
    amount(value["num_cached_tokens"]) ??
    cachedIn(value["prompt_tokens_details"]) ??
    cachedIn(value["prompt_token_details"]) ??
    0
  );
}

function cachedIn(details: unknown): number | undefined {
  if (details === undefined || details === null) return undefined;
  return isRecord(details) ? amount(details["cached_tokens"]) : Number.NaN;
}

/** @returns undefined where absent; NaN, which spoils every sum that it enters, where it is no amount. */
function amount(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  return isAmount(value) ? value : Number.NaN;
}

function seconds(value: unknown): number | undefined {
  return amount(typeof value === "number" && value > 0 ? Math.ceil(value) : value);
}

function isCountable(usage: Usage): boolean {
  const { inputTokens, cachedInputTokens, outputTokens, pages, audioSeconds } = usage;
  return [inputTokens, cachedInputTokens, outputTokens, pages, audioSeconds].every(isAmount);
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_AMOUNT;
}
