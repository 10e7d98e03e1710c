import { type Endpoint, hasOutput } from "../domain/model.js";
import { isRecord, parseJson } from "./json-value.js";
import type { SseEvent } from "./sse.js";
import { usageMember } from "./usage.js";

/** What one event of a streamed answer says of the call. */
export interface AnswerEvent {
  /** As it stands there; undefined where there is none. */
  readonly usage: unknown;
  /** UTF-8 bytes of what the model put out, or of the whole event where that cannot be told apart. */
  readonly outputBytes: number;
  /** Nothing that costs money comes after it. */
  readonly isLast: boolean;
  /** Mistral broke off. */
  readonly isError: boolean;
}

const SILENT: AnswerEvent = { usage: undefined, outputBytes: 0, isLast: false, isError: false };

const LAST_TYPES: ReadonlySet<unknown> = new Set(["conversation.response.done", "transcription.done"]);

/** Members of a delta that label it and are not what the model said. */
const LABELS: ReadonlySet<string> = new Set(["id", "index", "role", "type"]);

/** Parts that the service put in: what a tool found, and where. */
const NOT_SAID: ReadonlySet<unknown> = new Set(["reference", "tool_file", "tool_reference"]);

/** Read one event of a streamed answer. Never throws: an event that is no JSON counts whole, as output. */
export function readEvent(endpoint: Endpoint, event: SseEvent): AnswerEvent {
  if (event.kind === "passed_over") return unreadable(endpoint, event.bytes);
  if (event.data === "[DONE]") return { ...SILENT, isLast: true };
  const value = parseJson(event.data);
  if (!isRecord(value)) return unreadable(endpoint, Buffer.byteLength(event.data));

  const type = value["type"] ?? event.name;
  if (isError(value, type) || event.name === "error") return { ...SILENT, isError: true };
  const usage = value[usageMember(endpoint)] ?? undefined;
  return {
    usage,
    outputBytes: hasOutput(endpoint) ? outputBytes(endpoint, value) : 0,
    isLast: usage !== undefined || LAST_TYPES.has(type),
    isError: false,
  };
}

function unreadable(endpoint: Endpoint, bytes: number): AnswerEvent {
  return { ...SILENT, outputBytes: hasOutput(endpoint) ? bytes : 0 };
}

function isError(value: Readonly<Record<string, unknown>>, type: unknown): boolean {
  return value["object"] === "error" || type === "conversation.response.error" || (value["error"] ?? null) !== null;
}

function outputBytes(endpoint: Endpoint, value: Readonly<Record<string, unknown>>): number {
  if (endpoint === "conversations") return textBytes(value["content"]) + textBytes(value["arguments"]);
  const choices = value["choices"];
  if (!Array.isArray(choices)) return 0;
  return choices.reduce<number>((sum, choice: unknown) => sum + (isRecord(choice) ? textBytes(choice["delta"]) : 0), 0);
}

/**
 * Count what a delta says, whatever its members are called: their names change from model to model (`text`, `thinking`,
 * `reasoning_content`), and none must go uncounted. No recursion: how deep it nests is the sender's choice.
 */
function textBytes(delta: unknown): number {
  let bytes = 0;
  const left: unknown[] = [delta];
  while (left.length > 0) {
    const part = left.pop();
    if (typeof part === "string") bytes += Buffer.byteLength(part);
    else if (Array.isArray(part)) for (const item of part) left.push(item);
    else if (isRecord(part) && !NOT_SAID.has(part["type"])) {
      for (const name of Object.keys(part)) if (!LABELS.has(name)) left.push(part[name]);
    }
  }
  return bytes;
}
