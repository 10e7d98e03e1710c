import type { Endpoint } from "../domain/model.js";
import type { Usage } from "../domain/settlement.js";
import type { AnswerBody, BodyFacts } from "./answer-body.js";
import { HeldBytes } from "./held-bytes.js";
import type { JsonToken } from "./json-token.js";
import { parseJson } from "./json-value.js";
import { JsonWalk } from "./json-walk.js";
import { usageMember, usageOf } from "./usage.js";

const NOTHING = Buffer.alloc(0);

/** Mistral's usage takes some hundred bytes. */
const MAX_USAGE_BYTES = 64 * 1024;

/** Longest key, string or number that is held where a chunk ends within it: a page's image in base64 is not. */
const MAX_HELD_BYTES = 1024;

/**
 * Reads an answer that is one JSON document, such as embeddings of many megabytes, and keeps of it only what its usage
 * needs.
 *
 * Of a document that is cut, the usage stands where it had come whole. One that is no JSON tells nothing.
 */
export class DocumentAnswer implements AnswerBody {
  readonly #endpoint: Endpoint;
  readonly #walk: JsonWalk;
  /** The usage's bytes of chunks before this one. */
  readonly #held = new HeldBytes();
  #chunk: Buffer = NOTHING;
  /** The offset of the chunk in the document. */
  #base = 0;
  #depth = 0;
  /** Its key has just been told. */
  #isUsageNext = false;
  /** Where in the document the usage's bytes begin that are not held yet; undefined outside of it. */
  #usageFrom: number | undefined;
  #usage: Usage | undefined;
  #isMalformed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    const member = usageMember(endpoint);
    const begin = (at: number, isObject: boolean) => this.#begin(at, isObject);
    const end = (at: number) => this.#end(at);
    this.#walk = new JsonWalk(
      {
        beginObject: (at) => begin(at, true),
        endObject: end,
        beginArray: (at) => begin(at, false),
        endArray: end,
        key: (name) => {
          this.#isUsageNext = this.#depth === 1 && name === member;
        },
        scalar: (token) => this.#passScalar(token),
      },
      { uniqueKeys: false, maxHeldBytes: MAX_HELD_BYTES },
    );
  }

  write(bytes: Buffer): void {
    if (this.#isMalformed) return;
    this.#chunk = bytes;
    if (this.#walk.push(bytes)) this.#isMalformed = true;
    else this.#hold(this.#base + bytes.length);
    this.#base += bytes.length;
    this.#chunk = NOTHING;
  }

  end(): BodyFacts {
    const isWhole = this.#walk.end() === undefined;
    return { usage: this.#isMalformed ? undefined : this.#usage, outputBytes: 0, isWhole };
  }

  #begin(at: number, isObject: boolean): void {
    this.#depth++;
    if (!this.#isUsageNext) return;
    this.#isUsageNext = false;
    this.#usage = undefined;
    if (isObject) this.#usageFrom = at;
  }

  #end(at: number): void {
    this.#depth--;
    if (this.#depth !== 1 || this.#usageFrom === undefined) return;
    this.#hold(at);
    // Not so where it was longer than what is held.
    if (this.#usageFrom !== undefined) this.#usage = usageOf(this.#endpoint, parseJson(this.#held.take().toString()));
    this.#usageFrom = undefined;
  }

  #passScalar(token: JsonToken): void {
    if (this.#isUsageNext && token.kind !== "null") this.#usage = undefined;
    this.#isUsageNext = false;
  }

  /** Put aside what this chunk has of the usage, up to an offset. */
  #hold(to: number): void {
    if (this.#usageFrom === undefined) return;
    const bytes = this.#chunk.subarray(this.#usageFrom - this.#base, to - this.#base);
    if (this.#held.length + bytes.length > MAX_USAGE_BYTES) {
      this.#held.clear();
      this.#usageFrom = undefined;
      return;
    }
    this.#held.append(bytes);
    this.#usageFrom = to;
  }
}
