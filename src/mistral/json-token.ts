/** A key or a scalar value of a document. Valid only during the visitor's call that it is given to. */
export interface JsonToken {
  readonly kind: "string" | "number" | "true" | "false" | "null";
  /** Offset of its first byte in the document. */
  readonly start: number;
  /** Offset behind its last byte. */
  readonly end: number;
  /** UTF-8 bytes of a string's text; of other scalars, of what stands there. */
  readonly textBytes: number;
  /** As `textBytes`, of a string written as JSON again: without its quotes and with no needless escape. */
  readonly quotedBytes: number;
  /** A string's text, or what stands there. Decoded when asked, which for a long string takes its time. */
  text(): string;
}

const NOTHING = Buffer.alloc(0);

/** The token that a walk stands at. It is used again for the next one. */
export class Token implements JsonToken {
  kind: JsonToken["kind"] = "null";
  start = 0;
  end = 0;
  textBytes = 0;
  quotedBytes = 0;
  isEscaped = false;
  /** Chunks, or ends of them, that the token filled before the last one. */
  #pieces: Buffer[] | undefined;
  #chunk: Buffer = NOTHING;
  #from = 0;
  #to = 0;

  /** Begin at an index of a chunk whose first byte has the offset `base`. */
  begin(kind: JsonToken["kind"], { chunk, at, base }: Place): void {
    this.kind = kind;
    this.start = base + at;
    this.#pieces = undefined;
    this.#chunk = chunk;
    this.#from = at;
  }

  /** The chunk is over and the token is not. */
  cut(chunk: Buffer): void {
    this.#pieces ??= [];
    this.#pieces.push(chunk.subarray(this.#from));
    this.#from = 0;
  }

  /** End before an index. */
  finish({ chunk, at, base }: Place): void {
    this.end = base + at;
    this.#chunk = chunk;
    this.#to = at;
    this.textBytes = this.end - this.start;
    this.quotedBytes = this.textBytes;
    this.isEscaped = false;
  }

  text(): string {
    const raw = this.#raw();
    // The walk has seen that it is a JSON string.
    if (this.isEscaped) return String(JSON.parse(raw));
    return this.kind === "string" ? raw.slice(1, -1) : raw;
  }

  #raw(): string {
    if (!this.#pieces) return this.#chunk.toString("utf8", this.#from, this.#to);
    return Buffer.concat([...this.#pieces, this.#chunk.subarray(0, this.#to)]).toString("utf8");
  }
}

/** An index in a chunk whose first byte has the offset `base` in the document. */
export interface Place {
  readonly chunk: Buffer;
  readonly at: number;
  readonly base: number;
}
