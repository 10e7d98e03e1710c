import type { Endpoint } from "../domain/model.js";

/** What a path of Mistral's API means to a decision. */
export type Route =
  | CallRoute
  /** The public list of models, or a row of it: costs nothing. */
  | { readonly kind: "listing" }
  /** Batch jobs, whose cost stands in no one request. */
  | { readonly kind: "batch" }
  | { readonly kind: "refused" };

/** A path whose request costs money. */
export interface CallRoute {
  readonly kind: "call";
  readonly endpoint: Endpoint;
  readonly form: Form;
}

/** How a request's body reads; endpoints whose bodies differ have forms of their own. */
export type Form =
  | "chat"
  | "fim"
  | "agent"
  | "conversation"
  /** Goes on with a stored conversation: neither its model nor its length stands in the request. */
  | "stored_conversation"
  | "input"
  | "chat_input"
  | "ocr"
  | "transcription";

const REFUSED: Route = { kind: "refused" };
const LISTING: Route = { kind: "listing" };
const BATCH: Route = { kind: "batch" };
const STORED_CONVERSATION: Route = { kind: "call", endpoint: "conversations", form: "stored_conversation" };

const CALLS: ReadonlyMap<string, Route> = new Map(
  (
    [
      ["chat/completions", "chat_completions", "chat"],
      ["fim/completions", "fim_completions", "fim"],
      ["agents/completions", "agents_completions", "agent"],
      ["conversations", "conversations", "conversation"],
      ["embeddings", "embeddings", "input"],
      ["moderations", "moderations", "input"],
      ["chat/moderations", "moderations", "chat_input"],
      ["classifications", "classifications", "input"],
      ["chat/classifications", "classifications", "chat_input"],
      ["ocr", "ocr", "ocr"],
      ["audio/transcriptions", "audio_transcriptions", "transcription"],
    ] as const
  ).map(([path, endpoint, form]) => [`/v1/${path}`, { kind: "call", endpoint, form }]),
);

/**
 * Segments of what Mistral's ids are made of. A path that could be read in two ways (`%`, `//`, `.` segments, a
 * trailing slash, capitals in a name that Mistral writes small) is in no table and so refused.
 */
const ID = "[A-Za-z0-9_:-][A-Za-z0-9._:-]*";
const MODEL = new RegExp(`^/v1/models/${ID}$`);
const STORED = new RegExp(`^/v1/conversations/${ID}(?:/restart)?$`);
const BATCHES = new RegExp(`^/v1/batch(?:/${ID})*$`);

/**
 * Say what a request's method and path mean.
 *
 * Nothing is decoded and nothing normalised: what is not written exactly as Mistral writes it is refused, because the
 * proxy and Mistral might read it otherwise than this function does.
 *
 * @param path - as it stands in the request line; a query is cut off.
 */
export function routeOf(method: string, path: string): Route {
  const query = path.indexOf("?");
  const bare = query < 0 ? path : path.slice(0, query);
  const call = method === "POST" ? CALLS.get(bare) : undefined;
  if (call) return call;
  if (BATCHES.test(bare)) return BATCH;
  if (method === "GET") return bare === "/v1/models" || MODEL.test(bare) ? LISTING : REFUSED;
  if (method !== "POST") return REFUSED;
  return STORED.test(bare) ? STORED_CONVERSATION : REFUSED;
}
