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
  /**
   * How many bytes longer a number may become, or a string whose text is JSON itself, where Python reads it and writes
   * it again: a space behind each `:` and `,`, and exponents written out.
   */
  readonly growth: number;
  /**
   * A string's text, or what stands there. Decoded when asked, which for a long string takes its time. Empty where the
   * token goes over several chunks and is longer than the walk holds.
   */
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
  growth = 0;
  isEscaped = false;
  /** Chunks, or ends of them, that the token filled before the last one. */
  #pieces: Buffer[] | undefined;
  #pieceBytes = 0;
  #chunk: Buffer = NOTHING;
  #from = 0;
  #to = 0;
  readonly #maxHeldBytes: number;

  constructor(maxHeldBytes: number) {
    this.#maxHeldBytes = maxHeldBytes;
  }

  /** Begin at an index of a chunk whose first byte has the offset `base`. */
  begin(kind: JsonToken["kind"], { chunk, at, base }: Place): void {
    this.kind = kind;
    this.start = base + at;
    this.#pieces = undefined;
    this.#pieceBytes = 0;
    this.#chunk = chunk;
    this.#from = at;
  }

  /** The chunk is over and the token is not. */
  cut(chunk: Buffer): void {
    const piece = chunk.subarray(this.#from);
    this.#from = 0;
    this.#pieceBytes += piece.length;
    if (this.#pieceBytes > this.#maxHeldBytes) this.#pieces = [];
    else if (this.#pieces) this.#pieces.push(piece);
    else this.#pieces = [piece];
  }

  /** End before an index. */
  finish({ chunk, at, base }: Place): void {
    this.end = base + at;
    this.#chunk = chunk;
    this.#to = at;
    this.textBytes = this.end - this.start;
    this.quotedBytes = this.textBytes;
    this.growth = 0;
    this.isEscaped = false;
  }

  text(): string {
    if (this.#pieceBytes > this.#maxHeldBytes) return "";
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
