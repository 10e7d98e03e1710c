import { type JsonToken, Token } from "./json-token.js";
import { NumberScan } from "./number-scan.js";
import { SeenKeys } from "./seen-keys.js";
import { EXPONENT_GROWTH, StringScan } from "./string-scan.js";
import { Utf8Check } from "./utf8-check.js";

/** Objects and arrays within each other; a document may not nest deeper. */
export const MAX_DEPTH = 64;

/** Bytes of a key as it stands there: keys are decoded, and a long one would stop all others meanwhile. */
const LONGEST_KEY = 64 * 1024;

/** Is told what a document holds, in its order. Offsets are in bytes from the document's first one. */
export interface JsonVisitor {
  /** @param at - the offset of the brace. */
  beginObject(at: number): void;
  /** @param end - the offset behind the brace. */
  endObject(end: number): void;
  beginArray(at: number): void;
  endArray(end: number): void;
  /** A member's key. Its value comes next. */
  key(name: string, token: JsonToken): void;
  /** A string, number, boolean or null. */
  scalar(token: JsonToken): void;
}

/** Why bytes are no document. */
export interface JsonFault {
  readonly kind: "json_fault";
  readonly what: string;
  /** The offset where it was noticed: of the byte, or of the start of the token or chunk that holds it. */
  readonly at: number;
}

export interface WalkOptions {
  /**
   * Refuse a key that its object has had, escaped otherwise or not, and an object of more than 10,000 keys. Without it
   * the later one is told too.
   */
  readonly uniqueKeys: boolean;
  /** Of a key or scalar that goes over several chunks, hold at most so many bytes for its `text`. Without it all. */
  readonly maxHeldBytes?: number;
}

/** What may come next, white space apart. */
type Expected = "value" | "first_item" | "first_key" | "key" | "colon" | "comma" | "nothing";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The other literals, by their first byte. */
const WORDS: ReadonlyMap<number, "true" | "false" | "null"> = new Map([
  [0x74, "true"],
  [0x66, "false"],
  [0x6e, "null"],
]);

/**
 * Walks one JSON document (RFC 8259, UTF-8, no byte order mark) that comes in chunks, and keeps none of it.
 *
 * Each chunk costs time by its own length and nothing is put off to the last one, so that a caller can let others run
 * between two. Depth costs no stack. Lone surrogate escapes are refused. A chunk must not change while a string that
 * began in it goes on.
 */
export class JsonWalk {
  readonly #visitor: JsonVisitor;
  readonly #uniqueKeys: SeenKeys | undefined;
  readonly #utf8 = new Utf8Check();
  readonly #string = new StringScan();
  readonly #number = new NumberScan();
  readonly #token: Token;
  /** Whether what is open at each depth is an object. */
  readonly #isObject: boolean[] = [];
  #depth = 0;
  #expected: Expected = "value";
  /** What the walk stands within. */
  #within: "key" | JsonToken["kind"] | undefined;
  #base = 0;
  #fault: JsonFault | undefined;

  constructor(visitor: JsonVisitor, { uniqueKeys, maxHeldBytes = Infinity }: WalkOptions) {
    this.#visitor = visitor;
    this.#token = new Token(maxHeldBytes);
    this.#uniqueKeys = uniqueKeys ? new SeenKeys() : undefined;
  }

  /** Walk on through the next bytes. After a fault nothing more is read. */
  push(chunk: Buffer): JsonFault | undefined {
    if (this.#fault) return this.#fault;
    if (!this.#utf8.push(chunk)) return this.#refuse("not UTF-8", 0);
    let at = 0;
    while (at < chunk.length && !this.#fault) at = this.#within ? this.#goOn(chunk, at) : this.#step(chunk, at);
    if (this.#within && !this.#fault) this.#token.cut(chunk);
    this.#base += chunk.length;
    return this.#fault;
  }

  /** Say whether the document is over with the bytes so far. */
  end(): JsonFault | undefined {
    if (this.#fault) return this.#fault;
    if (!this.#utf8.end()) return this.#refuse("not UTF-8", 0);
    if (this.#within === "number" && this.#depth === 0) this.#finishNumber(NOTHING, 0);
    if (!this.#fault && this.#expected !== "nothing") this.#refuse("it ends too early", 0);
    return this.#fault;
  }

  /** Read what stands between tokens, up to where one begins. */
  #step(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at + 1;
    switch (this.#expected) {
      case "colon":
        if (byte !== COLON) break;
        this.#expected = "value";
        return at + 1;
      case "comma":
        if (byte === COMMA) this.#expected = this.#isObject[this.#depth] ? "key" : "value";
        else if (byte === (this.#isObject[this.#depth] ? CLOSE_OBJECT : CLOSE_ARRAY)) this.#close(at);
        else break;
        return at + 1;
      case "first_key":
      case "key":
        if (byte === QUOTE) return this.#begin("key", chunk, at);
        if (byte !== CLOSE_OBJECT || this.#expected === "key") break;
        this.#close(at);
        return at + 1;
      case "first_item":
        if (byte !== CLOSE_ARRAY) return this.#beginValue(chunk, at, byte);
        this.#close(at);
        return at + 1;
      case "value":
        return this.#beginValue(chunk, at, byte);
      case "nothing":
        this.#refuse("more follows after its end", at);
        return at;
    }
    this.#refuse("not JSON", at);
    return at;
  }

  #beginValue(chunk: Buffer, at: number, byte: number): number {
    if (byte === QUOTE) return this.#begin("string", chunk, at);
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return this.#open(byte === OPEN_OBJECT, at);
    if (this.#number.begin(byte)) return this.#begin("number", chunk, at);
    const word = WORDS.get(byte);
    if (word) return this.#begin(word, chunk, at);
    this.#refuse("not JSON", at);
    return at;
  }

  #begin(within: "key" | JsonToken["kind"], chunk: Buffer, at: number): number {
    const kind = within === "key" ? "string" : within;
    this.#within = within;
    this.#token.begin(kind, { chunk, at, base: this.#base });
    if (kind === "string") this.#string.begin();
    return at + 1;
  }

  /** Go on with the token that the walk stands within. */
  #goOn(chunk: Buffer, from: number): number {
    switch (this.#within) {
      case "key":
      case "string": {
        const at = this.#string.scan(chunk, from);
        if (at < 0) this.#refuse("not a JSON string", this.#token.start - this.#base);
        else if (this.#string.isDone) this.#finishString(chunk, at);
        return at;
      }
      case "number": {
        const at = this.#number.scan(chunk, from);
        if (at < chunk.length) this.#finishNumber(chunk, at);
        return at;
      }
      default:
        return this.#spell(chunk, from);
    }
  }

  /** One more letter of `true`, `false` or `null`. */
  #spell(chunk: Buffer, at: number): number {
    const word: string = this.#token.kind;
    const letter = this.#base + at - this.#token.start;
    if (word.charCodeAt(letter) !== chunk[at]) this.#refuse("not JSON", at);
    else if (letter === word.length - 1) this.#finishScalar(chunk, at + 1);
    return at + 1;
  }

  #finishString(chunk: Buffer, at: number): void {
    if (this.#within === "string") {
      this.#finishScalar(chunk, at);
      return;
    }
    const token = this.#token;
    this.#within = undefined;
    this.#measure(chunk, at);
    if (token.end - token.start > LONGEST_KEY) {
      this.#refuse("a key is too long", token.start - this.#base);
      return;
    }
    const name = token.text();
    const found = this.#uniqueKeys?.add(this.#depth, name) ?? "new";
    if (found !== "new") {
      this.#refuse(`an object has ${found === "seen" ? "a key twice" : "too many keys"}`, token.start - this.#base);
      return;
    }
    this.#expected = "colon";
    this.#visitor.key(name, token);
  }

  #finishNumber(chunk: Buffer, at: number): void {
    if (this.#number.isComplete) this.#finishScalar(chunk, at);
    else this.#refuse("not a JSON number", this.#token.start - this.#base);
  }

  #finishScalar(chunk: Buffer, at: number): void {
    this.#within = undefined;
    this.#measure(chunk, at);
    this.#expected = this.#depth === 0 ? "nothing" : "comma";
    this.#visitor.scalar(this.#token);
  }

  #measure(chunk: Buffer, at: number): void {
    const token = this.#token;
    token.finish({ chunk, at, base: this.#base });
    if (token.kind === "number" && this.#number.hasExponent) token.growth = EXPONENT_GROWTH;
    if (token.kind !== "string") return;
    token.isEscaped = this.#string.isEscaped;
    token.textBytes = this.#string.textBytes;
    token.quotedBytes = this.#string.quotedBytes;
    token.growth = this.#string.growth;
  }

  #open(isObject: boolean, at: number): number {
    if (this.#depth === MAX_DEPTH) {
      this.#refuse(`nested deeper than ${MAX_DEPTH}`, at);
      return at;
    }
    this.#isObject[++this.#depth] = isObject;
    this.#expected = isObject ? "first_key" : "first_item";
    if (!isObject) this.#visitor.beginArray(this.#base + at);
    else {
      this.#uniqueKeys?.open(this.#depth);
      this.#visitor.beginObject(this.#base + at);
    }
    return at + 1;
  }

  #close(at: number): void {
    const isObject = this.#isObject[this.#depth--];
    this.#expected = this.#depth === 0 ? "nothing" : "comma";
    if (isObject) this.#visitor.endObject(this.#base + at + 1);
    else this.#visitor.endArray(this.#base + at + 1);
  }

  #refuse(what: string, at: number): JsonFault {
    this.#fault = { kind: "json_fault", what, at: this.#base + at };
    return this.#fault;
  }
}

const NOTHING = Buffer.alloc(0);
