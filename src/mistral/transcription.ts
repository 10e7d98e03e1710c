import { isUtf8 } from "node:buffer";
import { type MistralCall, type Unreadable, unreadable } from "./mistral-call.js";
import { type Part, partsOf } from "./multipart.js";
import { wavSeconds } from "./wav.js";

/** Mistral states that its transcription models take recordings of up to three hours in one request. */
export const MOST_AUDIO_SECONDS = 3 * 60 * 60;

/** Fields that decide, and so may come once. */
const DECIDING = ["model", "stream", "file", "file_url", "file_id"] as const;
const LONGEST_FIELD = 512;

/**
 * Read a request for a transcription.
 *
 * Its sound lasts as long as a plain WAV file says; of every other file, and of those that Mistral fetches, only
 * Mistral's own maximum is known.
 */
export async function readTranscription(body: Buffer, boundary: string): Promise<MistralCall | Unreadable> {
  const parts = await partsOf(body, boundary);
  if ("what" in parts) return unreadable(`the form cannot be read: ${parts.what}`);
  const fields = new Map<string, Part>();
  for (const part of parts) {
    const isDeciding = DECIDING.some((name) => name === part.name);
    if (isDeciding && fields.has(part.name)) return unreadable(`${part.name} comes twice`, part.name);
    fields.set(part.name, part);
  }

  const model = textIn(fields, "model");
  if (typeof model !== "string") return model ?? unreadable("model is required", "model");
  const stream = textIn(fields, "stream") ?? "false";
  if (typeof stream !== "string") return stream;
  if (!/^(?:true|false)$/i.test(stream)) return unreadable("stream must be true or false", "stream");
  const audioSeconds = secondsIn(fields);
  if (audioSeconds === undefined) return unreadable("file is required", "file");
  return {
    kind: "call",
    model,
    streams: stream.toLowerCase() === "true",
    choices: 1,
    request: { inputTokens: 0, maxOutputTokens: 0, pages: 0, audioSeconds, annotatedPages: false },
    fillsContext: false,
    audioFillsContext: false,
    needs: new Set(),
  };
}

/** A field's text; undefined where the form does not have the field. */
function textIn(fields: ReadonlyMap<string, Part>, name: string): string | undefined | Unreadable {
  const part = fields.get(name);
  if (!part) return undefined;
  const { content, isFile } = part;
  if (!isFile && content.length > 0 && content.length <= LONGEST_FIELD && isUtf8(content)) return content.toString();
  return unreadable(`${name} must be a short text`, name);
}

function secondsIn(fields: ReadonlyMap<string, Part>): number | undefined {
  const file = fields.get("file");
  if (fields.has("file_url") || fields.has("file_id")) return MOST_AUDIO_SECONDS;
  return file && (wavSeconds(file.content) ?? MOST_AUDIO_SECONDS);
}
