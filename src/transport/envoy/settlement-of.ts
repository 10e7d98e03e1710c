import { ENDPOINTS, type Endpoint, hasOutput } from "../../domain/model.js";
import type { Outcome, Usage } from "../../domain/settlement.js";
import type { Answer } from "../../mistral/answer-reader.js";

/** What Check noted of the call. */
export interface Noted {
  readonly reservationId: string;
  readonly principal: string;
  readonly role: string;
  readonly workspace: string;
  readonly model: string;
  readonly endpoint: Endpoint;
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  readonly audioSeconds: number;
  readonly pages: number;
  readonly streams: boolean;
  readonly annotatedPages: boolean;
  /** Admitted without the store, which knows no estimate of it. */
  readonly isDegraded: boolean;
}

/** Mistral goes on for a moment after its client is gone: some dozens of tokens were seen. */
const TAIL_TOKENS = 64;

/** What a call is settled by. */
export interface Settlement {
  readonly usage: Usage | undefined;
  readonly outcome: Outcome;
}

/**
 * Say in numbers what the store would fill in from a reservation, where it has none: the estimate, or nothing for a call
 * that failed.
 */
export function inFull(
  noted: Pick<Noted, "inputTokens" | "maxOutputTokens" | "audioSeconds" | "pages" | "annotatedPages">,
  { usage, outcome }: Settlement,
): Settlement {
  if (usage) return { usage, outcome };
  const { inputTokens, maxOutputTokens: outputTokens, audioSeconds, pages, annotatedPages } = noted;
  const estimate = { inputTokens, cachedInputTokens: 0, outputTokens, pages, audioSeconds, annotatedPages };
  const nothing = { ...estimate, inputTokens: 0, outputTokens: 0, pages: 0, audioSeconds: 0 };
  return { usage: outcome === "failed" ? nothing : estimate, outcome };
}

/**
 * Say what an answer is settled by.
 *
 * Mistral charges no error. A stream that was cut is charged its input and what was seen of its output, by its bytes:
 * no token is shorter than one. What ended without telling its usage is charged by the estimate.
 */
export function settlementOf(
  noted: Pick<Noted, "endpoint" | "inputTokens" | "maxOutputTokens" | "audioSeconds" | "streams" | "annotatedPages">,
  status: number,
  answer: Answer | undefined,
): Settlement {
  const { annotatedPages } = noted;
  if (answer?.usage)
    return { usage: { ...answer.usage, annotatedPages }, outcome: answer.isWhole ? "succeeded" : "cancelled" };
  if (status >= 300) return { usage: undefined, outcome: "failed" };
  if (answer?.isWhole) return { usage: undefined, outcome: "succeeded" };
  if (!(answer?.isStream ?? noted.streams) || !hasOutput(noted.endpoint))
    return { usage: undefined, outcome: "cancelled" };
  const seen = (answer?.outputBytes ?? 0) + TAIL_TOKENS;
  return {
    usage: {
      inputTokens: noted.inputTokens,
      cachedInputTokens: 0,
      outputTokens: Math.min(noted.maxOutputTokens, seen),
      pages: 0,
      audioSeconds: noted.audioSeconds,
      annotatedPages,
    },
    outcome: "cancelled",
  };
}

/** Read what Check noted, from the metadata that Envoy shows again; undefined where it reserved nothing. */
export function notedIn(metadata: Readonly<Record<string, unknown>> | undefined): Noted | undefined {
  const text = (name: string) => {
    const value = metadata?.[`windbreak_${name}`];
    return typeof value === "string" ? value : "";
  };
  const endpoint = ENDPOINTS.find((one) => one === text("endpoint"));
  const reservationId = text("reservation_id");
  if (reservationId === "" || !endpoint) return undefined;
  return {
    reservationId,
    principal: text("principal"),
    role: text("role"),
    workspace: text("workspace"),
    model: text("model"),
    endpoint,
    inputTokens: Number(text("input_tokens")),
    maxOutputTokens: Number(text("max_output_tokens")),
    audioSeconds: Number(text("audio_seconds")),
    pages: Number(text("pages")),
    streams: text("stream") === "true",
    annotatedPages: text("annotated_pages") === "true",
    isDegraded: text("degraded") === "true",
  };
}
