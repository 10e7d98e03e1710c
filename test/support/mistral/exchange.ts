import { once } from "node:events";
import { constants, createGzip, type Gzip } from "node:zlib";
import { inTime } from "../redis/deadlines.js";

const DEADLINE_MS = 10_000;

/** What an answer is written to, by either version of HTTP. */
export interface Outgoing extends NodeJS.EventEmitter {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  flushHeaders(): void;
  write(chunk: string | Uint8Array, told?: (error?: Error | null) => void): boolean;
  end(body?: Uint8Array): unknown;
  destroy(): unknown;
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Each as sent, in order; names in small letters, so that a name that came twice is there twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** All values that a header came with, in order. */
export function valuesOf({ headers }: SeenRequest, name: string): readonly string[] {
  return headers.filter(([key]) => key === name).map(([, value]) => value);
}

/** One request and its answer, whose chunks the test can let go one by one. */
export class Exchange {
  readonly request: SeenRequest;
  readonly #response: Outgoing;
  readonly #closed: Promise<void>;
  #gzip: Gzip | undefined;
  #chunks: readonly string[] = [];
  #sent = 0;
  #isWhole = false;

  constructor(request: SeenRequest, response: Outgoing) {
    this.request = request;
    this.#response = response;
    // The other side may hang up at any time; `ended` tells.
    response.on("error", () => {});
    response.on("finish", () => {
      this.#isWhole = true;
    });
    this.#closed = once(response, "close").then(() => {});
  }

  /** How many chunks have left. */
  get sent(): number {
    return this.#sent;
  }

  /** Answer with one body. */
  whole(status: number, headers: Readonly<Record<string, string>>, body: Buffer): void {
    this.#response.writeHead(status, headers);
    this.#response.end(body);
  }

  /** Begin a stream: its head leaves now, its chunks as they are let go. */
  open(headers: Readonly<Record<string, string>>, chunks: readonly string[], gzip: boolean): void {
    this.#response.writeHead(200, headers);
    this.#response.flushHeaders();
    this.#chunks = chunks;
    if (!gzip) return;
    this.#gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
    this.#gzip.on("data", (part: Buffer) => void this.#response.write(part));
    this.#gzip.on("end", () => void this.#response.end());
  }

  /** Let the next chunk go. Resolves with it once it is the system's to send. @throws Error where none is left. */
  async chunk(): Promise<string> {
    const chunk = this.#chunks[this.#sent];
    if (chunk === undefined) throw new Error(`all ${this.#chunks.length} chunks have been sent`);
    this.#sent += 1;
    const body = this.#gzip ?? this.#response;
    await inTime(
      DEADLINE_MS,
      "the sending of a chunk",
      new Promise<void>((resolve) => body.write(chunk, () => resolve())),
    );
    return chunk;
  }

  /** Let what is left go, and end the response. */
  rest(): void {
    const body = this.#gzip ?? this.#response;
    for (const chunk of this.#chunks.slice(this.#sent)) body.write(chunk);
    this.#sent = this.#chunks.length;
    body.end();
  }

  /** Break the connection off. */
  cut(): void {
    this.#response.destroy();
  }

  /** Wait until the answer is over: whole or cut, by either side. @throws Error where that does not come. */
  async ended(): Promise<"whole" | "cut"> {
    await inTime(DEADLINE_MS, "the end of an answer of Mistral's", this.#closed);
    return this.#isWhole ? "whole" : "cut";
  }
}
