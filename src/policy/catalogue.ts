import type { Endpoint } from "../domain/model.js";

/** A model as Mistral offers it: what it is called, what it serves, and what it costs. */
export interface CatalogueEntry {
  /** The dated id; where Mistral dates none, the id that names one exact version. */
  readonly id: string;
  readonly aliases: readonly string[];
  /** The first one is meant where a request names none. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  /** USD as decimal text: per million tokens, per page, per minute of audio. "0" only for free models. */
  readonly prices: {
    readonly input?: string;
    /** Left out where none is published: cached tokens then cost what others do. */
    readonly cachedInput?: string;
    readonly output?: string;
    readonly page?: string;
    readonly annotatedPage?: string;
    readonly audioMinute?: string;
  };
  readonly state: "live" | "preview" | "retired";
  /** YYYY-MM-DD. */
  readonly retiredOn?: string;
  /** Where the price was read. */
  readonly source: string;
  /** YYYY-MM-DD: when it was read there. */
  readonly asOf: string;
}

/** The day the whole table was last checked. */
export const CATALOGUE_DATE = "2026-11-22";

/** The age from which `windbreak policy check` warns that prices may have moved. */
export const CATALOGUE_STALE_DAYS = 90;

/** Whole days since the table was last checked; negative where the clock is behind that day. */
export function catalogueAgeDays(today: Date): number {
  return Math.floor((today.getTime() - Date.parse(CATALOGUE_DATE)) / 86_400_000);
}

/** Say that the table is old and what to do about it; undefined while it is not. */
export function catalogueWarning(today: Date): string | undefined {
  const age = catalogueAgeDays(today);
  if (age < CATALOGUE_STALE_DAYS) return undefined;
  return (
    `the catalogue is ${age} days old (${CATALOGUE_DATE}) and Mistral's prices may have moved: ` +
    "update Windbreak, or set the prices that matter under models: in the policy"
  );
}

// Below, one row a model, by id. To update: change rows, `CARD.asOf` and `CATALOGUE_DATE`.
//
// A reserve must bound the cost. So Mistral's own model cards win; where only others speak and disagree, the dearer
// price and the smaller context stand, and the row says so. Names that only others know are left out unless a row says
// otherwise: an unknown name is refused, and a policy can add it under `models:`. Models that were retired in the
// last year keep their prices, because some still answer after their day.
//
// Left out on purpose:
// - text to speech (voxtral-mini-tts-*): charged by the character, which no endpoint of a decision counts;
// - realtime transcription (voxtral-mini-transcribe-realtime-*): a websocket whose length nobody knows beforehand. Listed
//   under audio_transcriptions it would promise a bound that no POST there keeps;
// - mistral-ocr-2503: retired 2025-12-31, and its card no longer names a price.

const K32 = 32_768;
const K40 = 40_960;
const K128 = 131_072;
const K256 = 262_144;
const M1 = 1_048_576;

/** Spread after `chat`: fill-in-the-middle besides. */
const CODE = { endpoints: ["chat_completions", "fim_completions", "conversations"] } as const;

const CARD = { source: "Mistral's model cards (docs.mistral.ai)", asOf: "2026-08-21" } as const;
const LIVE = { state: "live", ...CARD } as const;
const PREVIEW = { state: "preview", ...CARD } as const;

const retired = (retiredOn: string) => ({ state: "retired", retiredOn, ...CARD }) as const;
const seen = (source: string, asOf: string) => ({ state: "preview", source, asOf }) as const;
/** Prices of input, cached input and output. Cached is a tenth of input unless Mistral's card says otherwise. */
const chat = (contextLength: number, input: string, cachedInput: string, output: string) =>
  ({
    endpoints: ["chat_completions", "conversations"],
    contextLength,
    prices: { input, cachedInput, output },
  }) as const;
// The context of these (8k) bounds each text of a list, of which a request tells the sum only: none is named here.
const embed = (input: string) => ({ endpoints: ["embeddings"], prices: { input } }) as const;
const ocr = (page: string, annotatedPage: string) => ({ endpoints: ["ocr"], prices: { page, annotatedPage } }) as const;

/** Mistral's models, by id. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  { id: "codestral-2501", aliases: [], ...chat(K128, "0.3", "0.03", "0.9"), ...CODE, ...retired("2025-11-30") },
  // 128k on the card, 256k elsewhere: the card. Some tables still price codestral-latest at 1 and 3: the card.
  { id: "codestral-2508", aliases: ["codestral-latest"], ...chat(K128, "0.3", "0.03", "0.9"), ...CODE, ...LIVE },
  { id: "codestral-embed-2505", aliases: ["codestral-embed"], ...embed("0.15"), ...LIVE },
  {
    id: "deepseek-v4-1-flash-1017",
    aliases: [],
    ...chat(M1, "0.3", "0.007", "1.2"), // its own cached price, not a tenth
    ...seen("a copy of Mistral's documentation from autumn 2026", "2026-10-01"),
  },
  {
    id: "devstral-2512",
    aliases: ["devstral-latest", "devstral-medium-latest"],
    ...chat(K256, "0.4", "0.04", "2"),
    ...retired("2026-07-31"),
  },
  { id: "devstral-medium-2507", aliases: [], ...chat(K128, "0.4", "0.04", "2"), ...retired("2026-05-31") },
  { id: "devstral-small-2505", aliases: [], ...chat(K128, "0.1", "0.01", "0.3"), ...retired("2025-11-30") },
  { id: "devstral-small-2507", aliases: [], ...chat(K128, "0.1", "0.01", "0.3"), ...retired("2026-05-31") },
  {
    // Labs models are free by the general rule, and this one's card has a price: the dearer.
    id: "labs-devstral-small-2512",
    aliases: ["devstral-small-latest"],
    ...chat(K256, "0.1", "0.01", "0.3"),
    ...retired("2026-03-31"),
  },
  {
    id: "labs-leanstral-1-5",
    aliases: [],
    maxOutputTokens: K128,
    ...chat(K256, "0", "0", "0"),
    ...retired("2026-09-30"),
  },
  { id: "labs-leanstral-2603", aliases: [], ...chat(K256, "0", "0", "0"), ...retired("2026-06-30") },
  { id: "labs-mistral-small-creative", aliases: [], ...chat(K32, "0.1", "0.01", "0.3"), ...retired("2026-04-30") },
  { id: "magistral-medium-2506", aliases: [], ...chat(K40, "2", "0.2", "5"), ...retired("2025-11-30") },
  { id: "magistral-medium-2507", aliases: [], ...chat(K40, "2", "0.2", "5"), ...retired("2025-11-30") },
  {
    id: "magistral-medium-2509",
    aliases: ["magistral-medium-latest"],
    ...chat(K128, "2", "0.2", "5"),
    ...retired("2026-07-31"),
  },
  { id: "magistral-small-2506", aliases: [], ...chat(K40, "0.5", "0.05", "1.5"), ...retired("2025-11-30") },
  { id: "magistral-small-2507", aliases: [], ...chat(K40, "0.5", "0.05", "1.5"), ...retired("2025-11-30") },
  {
    // Its alias was seen sharing the rate limit of the cheaper mistral-small-2603: the card, which is also the dearer.
    id: "magistral-small-2509",
    aliases: ["magistral-small-latest"],
    ...chat(K128, "0.5", "0.05", "1.5"),
    ...retired("2026-07-31"),
  },
  { id: "ministral-14b-2512", aliases: ["ministral-14b-latest"], ...chat(K256, "0.2", "0.02", "0.2"), ...LIVE },
  { id: "ministral-3b-2410", aliases: [], ...chat(K128, "0.04", "0.004", "0.04"), ...retired("2025-12-31") },
  { id: "ministral-3b-2512", aliases: ["ministral-3b-latest"], ...chat(K256, "0.1", "0.01", "0.1"), ...LIVE },
  { id: "ministral-8b-2410", aliases: [], ...chat(K128, "0.1", "0.01", "0.1"), ...retired("2025-12-31") },
  { id: "ministral-8b-2512", aliases: ["ministral-8b-latest"], ...chat(K256, "0.15", "0.015", "0.15"), ...LIVE },
  { id: "mistral-embed-2312", aliases: ["mistral-embed"], ...embed("0.1"), ...LIVE },
  { id: "mistral-large-2411", aliases: [], ...chat(K128, "2", "0.2", "6"), ...retired("2026-05-31") },
  // The alias was last seen here on 2026-10-07. Should it have moved to mistral-large-4-0, that one is dearer.
  { id: "mistral-large-2512", aliases: ["mistral-large-latest"], ...chat(K256, "0.5", "0.05", "1.5"), ...LIVE },
  {
    // 1M in one place and 524288 in others: the smaller. Sold at half price until about 2026-10-20: the dearer.
    id: "mistral-large-4-0",
    aliases: ["mistral-large-4"],
    ...chat(524_288, "1.36", "0.136", "4.18"),
    ...seen("price tables of third parties", "2026-10-08"),
  },
  { id: "mistral-medium-2505", aliases: [], ...chat(K128, "0.4", "0.04", "2"), ...retired("2026-08-31") },
  { id: "mistral-medium-2508", aliases: [], ...chat(K128, "0.4", "0.04", "2"), ...retired("2026-08-31") },
  {
    // The last three aliases are not on the card, but were seen in use. Tables that price mistral-medium at 2.7 and 8.1
    // mean the model of 2023, which no longer answers.
    id: "mistral-medium-3-5",
    aliases: [
      "mistral-medium-3",
      "mistral-medium-latest",
      "mistral-medium",
      "mistral-medium-2604",
      "mistral-medium-3.5",
    ],
    ...chat(K256, "1.5", "0.15", "7.5"),
    ...LIVE,
  },
  {
    id: "mistral-moderation-2411",
    aliases: [],
    endpoints: ["moderations"], // a list of texts, each bounded alone, as for embeddings
    prices: { input: "0.1" },
    ...retired("2026-06-30"),
  },
  {
    // The alias is not on the card; Mistral's API description names it, for classifications too.
    id: "mistral-moderation-2603",
    aliases: ["mistral-moderation-latest"],
    endpoints: ["moderations", "classifications"],
    prices: { input: "0" },
    ...LIVE,
  },
  { id: "mistral-ocr-2505", aliases: [], ...ocr("0.001", "0.003"), ...retired("2026-05-31") },
  { id: "mistral-ocr-2512", aliases: [], ...ocr("0.002", "0.003"), ...LIVE },
  { id: "mistral-ocr-4-0", aliases: [], ...ocr("0.004", "0.005"), ...LIVE },
  { id: "mistral-ocr-4-1", aliases: ["mistral-ocr-4", "mistral-ocr-latest"], ...ocr("0.004", "0.005"), ...PREVIEW },
  { id: "mistral-small-2409", aliases: [], ...chat(K32, "0.1", "0.01", "0.3"), ...retired("2025-11-30") },
  { id: "mistral-small-2501", aliases: [], ...chat(K32, "0.1", "0.01", "0.3"), ...retired("2025-11-30") },
  { id: "mistral-small-2503", aliases: [], ...chat(K128, "0.1", "0.01", "0.3"), ...retired("2025-11-30") },
  { id: "mistral-small-2506", aliases: [], ...chat(K128, "0.1", "0.01", "0.3"), ...retired("2026-07-31") },
  { id: "mistral-small-2603", aliases: ["mistral-small-latest"], ...chat(K256, "0.15", "0.015", "0.6"), ...LIVE },
  {
    id: "open-mistral-nemo-2407",
    aliases: ["open-mistral-nemo"],
    ...chat(K128, "0.15", "0.015", "0.15"),
    ...retired("2026-07-31"),
  },
  { id: "pixtral-12b-2409", aliases: [], ...chat(K128, "0.15", "0.015", "0.15"), ...retired("2025-12-31") },
  {
    id: "pixtral-large-2411",
    aliases: ["pixtral-large-latest"],
    ...chat(K128, "2", "0.2", "6"),
    ...retired("2026-05-31"),
  },
  {
    // Two cards share this id: $0.001 a minute in chat, $0.002 in transcription: the dearer. No cached price.
    id: "voxtral-mini-2507",
    aliases: [],
    endpoints: ["chat_completions", "conversations", "audio_transcriptions"],
    contextLength: K32,
    prices: { input: "0.04", output: "0.04", audioMinute: "0.002" },
    ...retired("2026-05-31"),
  },
  {
    id: "voxtral-mini-2602",
    aliases: ["voxtral-mini-latest"],
    endpoints: ["audio_transcriptions"],
    prices: { audioMinute: "0.003" },
    ...LIVE,
  },
  {
    // Output at 0.30 elsewhere: the card. No cached price.
    id: "voxtral-small-2507",
    aliases: ["voxtral-small-latest"],
    endpoints: ["chat_completions", "conversations"],
    contextLength: K32,
    prices: { input: "0.1", output: "0.4", audioMinute: "0.004" },
    ...LIVE,
  },
  { id: "zai-glm-5-2", aliases: [], maxOutputTokens: K128, ...chat(M1, "1.4", "0.14", "4.4"), ...PREVIEW },
  {
    id: "zai-glm-5-3",
    aliases: ["zai-glm-latest"],
    maxOutputTokens: K128,
    ...chat(M1, "1.4", "0.14", "4.4"),
    ...seen("third-party reports, beside zai-glm-5-2 at its price", "2026-09-01"),
  },
  {
    id: "zai-glm-5-3-flash",
    aliases: [],
    ...chat(M1, "0.15", "0.03", "0.5"), // its own cached price, not a tenth
    ...seen("a copy of Mistral's documentation from autumn 2026", "2026-10-01"),
  },
];
