import type { JsonToken } from "../../../src/mistral/json-token.js";
import { type JsonFault, type JsonVisitor, JsonWalk, type WalkOptions } from "../../../src/mistral/json-walk.js";

export interface Walked {
  readonly fault: JsonFault | undefined;
  /** The document as the walk told it; undefined where nothing was told. */
  readonly value: unknown;
  readonly spans: readonly Span[];
}

/** What the walk told of one token, with the bytes that stand where it said. */
export interface Span {
  readonly text: string;
  readonly raw: string;
  readonly textBytes: number;
  readonly quotedBytes: number;
}

/** Walk a document in chunks that end at the given offsets, and build what it tells. */
export function walked(
  document: Buffer,
  { cuts = [], uniqueKeys = true }: { readonly cuts?: readonly number[] } & Partial<WalkOptions> = {},
): Walked {
  const builder = new Builder(document);
  const walk = new JsonWalk(builder, { uniqueKeys });
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    walk.push(document.subarray(from, cut));
    from = Math.max(from, cut);
  }
  walk.push(document.subarray(from));
  return { fault: walk.end(), value: builder.value, spans: builder.spans };
}

class Builder implements JsonVisitor {
  readonly spans: Span[] = [];
  value: unknown;
  readonly #document: Buffer;
  readonly #open: (unknown[] | Map<string, unknown>)[] = [];
  readonly #names: string[] = [];

  constructor(document: Buffer) {
    this.#document = document;
  }

  beginObject(at: number): void {
    this.#expectByte("{", at);
    this.#open.push(new Map());
  }

  endObject(end: number): void {
    this.#expectByte("}", end - 1);
    const members = this.#open.pop();
    if (!(members instanceof Map)) throw new Error("an object ends that did not begin");
    this.#put(Object.fromEntries(members));
  }

  beginArray(at: number): void {
    this.#expectByte("[", at);
    this.#open.push([]);
  }

  endArray(end: number): void {
    this.#expectByte("]", end - 1);
    this.#put(this.#open.pop());
  }

  key(name: string, token: JsonToken): void {
    this.#names.push(name);
    this.#note(token);
  }

  scalar(token: JsonToken): void {
    this.#note(token);
    this.#put(token.kind === "string" ? token.text() : JSON.parse(token.text()));
  }

  #put(value: unknown): void {
    const into = this.#open.at(-1);
    if (Array.isArray(into)) into.push(value);
    else if (into) into.set(this.#names.pop() ?? "", value);
    else this.value = value;
  }

  #note(token: JsonToken): void {
    const { start, end, textBytes, quotedBytes } = token;
    this.spans.push({ text: token.text(), raw: this.#document.toString("utf8", start, end), textBytes, quotedBytes });
  }

  #expectByte(byte: string, at: number): void {
    if (this.#document.toString("latin1", at, at + 1) !== byte) throw new Error(`no ${byte} stands at ${at}`);
  }
}
