import {
  type BrotliDecompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Gunzip,
  type Inflate,
  type InflateRaw,
} from "node:zlib";

/** An answer that decodes to more tells nothing: embeddings of the largest request take a quarter of it. */
const MAX_DECODED_BYTES = 256 * 1024 * 1024;
/** Bytes that may wait to be decoded. Whoever sends faster than that is not waited for. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** What is cut is decoded as far as it goes. */
const TOLERANT = { finishFlush: constants.Z_SYNC_FLUSH };
const TOLERANT_BROTLI = { finishFlush: constants.BROTLI_OPERATION_FLUSH };

type Decoder = Gunzip | Inflate | InflateRaw | BrotliDecompress;

export type Coding = "identity" | "gzip" | "deflate" | "br";

/**
 * Read a `content-encoding`.
 *
 * @returns undefined where the body cannot be decoded here: another coding, or several.
 */
export function codingOf(contentEncoding: string | undefined): Coding | undefined {
  const name = (contentEncoding ?? "").trim().toLowerCase();
  switch (name) {
    case "":
    case "identity":
      return "identity";
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
    case "br":
      return name;
    default:
      return undefined;
  }
}

export interface DecoderLimits {
  readonly maxDecodedBytes: number;
  readonly maxWaitingBytes: number;
}

/**
 * Undoes the content coding of a body that comes in chunks, piece by piece, and so in bounded memory.
 *
 * Decoding is done off the event loop; a body that needs none is taken within `write`. `close` must be called.
 */
export class BodyDecoder {
  readonly #coding: Coding;
  readonly #take: (bytes: Buffer) => void;
  readonly #limits: DecoderLimits;
  #decoder: Decoder | undefined;
  #closed: Promise<void> | undefined;
  #decodedBytes = 0;
  #isSound = true;

  constructor(
    coding: Coding,
    take: (bytes: Buffer) => void,
    limits: DecoderLimits = { maxDecodedBytes: MAX_DECODED_BYTES, maxWaitingBytes: MAX_WAITING_BYTES },
  ) {
    this.#coding = coding;
    this.#take = take;
    this.#limits = limits;
  }

  /** Keeps the chunk until it is decoded: it must not be changed. */
  write(chunk: Buffer): void {
    if (chunk.length === 0 || !this.#isSound) return;
    if (this.#coding === "identity") {
      this.#take(chunk);
      return;
    }
    this.#decoder ??= this.#open(chunk);
    if (this.#decoder.writableLength + chunk.length > this.#limits.maxWaitingBytes) this.#giveUp();
    else this.#decoder.write(chunk);
  }

  /**
   * Resolves when all that was written has been taken.
   *
   * @returns false where the body is not what its coding says, or too much, or was given up by `close`.
   */
  async end(): Promise<boolean> {
    this.#decoder?.end();
    await this.#closed;
    return this.#isSound;
  }

  /** Free what decoding holds. Harmless when repeated, and after `end`. */
  close(): void {
    if (this.#decoder && !this.#decoder.readableEnded) this.#giveUp();
  }

  #open(first: Buffer): Decoder {
    const decoder = create(this.#coding, first);
    decoder.on("data", (bytes: Buffer) => this.#takeDecoded(bytes));
    decoder.on("error", () => {
      this.#isSound = false;
    });
    this.#closed = new Promise((resolve) => decoder.once("close", resolve));
    return decoder;
  }

  #takeDecoded(bytes: Buffer): void {
    this.#decodedBytes += bytes.length;
    if (this.#decodedBytes > this.#limits.maxDecodedBytes) this.#giveUp();
    else this.#take(bytes);
  }

  #giveUp(): void {
    this.#isSound = false;
    this.#decoder?.destroy();
  }
}

/** Some call raw deflate `deflate`, which by RFC 9110 has the head of zlib: the low half of its first byte is 8. */
function create(coding: Coding, first: Buffer): Decoder {
  if (coding === "br") return createBrotliDecompress(TOLERANT_BROTLI);
  if (coding === "gzip") return createGunzip(TOLERANT);
  return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate(TOLERANT) : createInflateRaw(TOLERANT);
}
