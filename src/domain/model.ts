import type { Rates } from "./money.js";
import type { Tokens } from "./units.js";

/** The APIs of Mistral that cost money and that a decision can name. */
export const ENDPOINTS = [
  "chat_completions",
  "fim_completions",
  "embeddings",
  "agents_completions",
  "conversations",
  "ocr",
  "audio_transcriptions",
  "moderations",
  "classifications",
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

const WITH_OUTPUT: ReadonlySet<Endpoint> = new Set([
  "chat_completions",
  "fim_completions",
  "agents_completions",
  "conversations",
]);

/** Whether an endpoint generates tokens, and so can be asked to generate fewer. */
export function hasOutput(endpoint: Endpoint): boolean {
  return WITH_OUTPUT.has(endpoint);
}

/** One dated model of the catalogue. */
export interface Model {
  /** The dated id. */
  readonly id: string;
  /** Every name that means this model, the dated id first. */
  readonly names: readonly string[];
  /** The first one is meant where a request names none. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  /** Input and output together; undefined where the model has no such limit. */
  readonly contextLength: Tokens | undefined;
  /** The model's own cap on output; undefined where only the context length bounds it. */
  readonly maxOutputTokens: Tokens | undefined;
  readonly rates: Rates;
}
