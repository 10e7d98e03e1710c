import type { Entry } from "./entry.js";
import type { Outlet } from "./outlet.js";

/** Takes bytes: a file, a pipe. */
export interface ByteSink {
  /**
   * Make ready for so many bytes.
   *
   * @returns fresh: what is written next does not stand behind what was written last.
   */
  prepare(length: number): Promise<"same" | "fresh">;

  /** Write from an offset on. @returns how many bytes are written, at least 1. Rejects with an Error. */
  write(bytes: Buffer, from: number): Promise<number>;

  close(): Promise<void>;
}

/** What one write carries: few system calls, and no long wait for a slow disk. */
const GATHERED_CHARACTERS = 256 * 1024;
const LINE_END = 10;

/** Writes each entry as a line. A line that was written in part is written on, not anew, unless its file is gone. */
export class LineOutlet implements Outlet {
  readonly #sink: ByteSink;
  readonly #lineOf: (entry: Entry) => string;
  readonly #most: number;
  #gathered = "";
  /** What a flush could not write, and how much of it is written. */
  #bytes = Buffer.alloc(0);
  #written = 0;

  /** @param most characters to gather for one write, where that is less than usual. */
  constructor(sink: ByteSink, lineOf: (entry: Entry) => string, most = GATHERED_CHARACTERS) {
    this.#sink = sink;
    this.#lineOf = lineOf;
    this.#most = Math.min(most, GATHERED_CHARACTERS);
  }

  get isFull(): boolean {
    return this.#gathered.length >= this.#most || this.#bytes.length > 0;
  }

  add(entry: Entry): void {
    this.#gathered += `${this.#lineOf(entry)}\n`;
  }

  async flush(): Promise<undefined> {
    await this.#writeOut();
    if (this.#gathered === "") return;
    this.#bytes = Buffer.from(this.#gathered);
    this.#gathered = "";
    await this.#writeOut();
  }

  close(): Promise<void> {
    return this.#sink.close();
  }

  async #writeOut(): Promise<void> {
    if (this.#bytes.length === 0) return;
    const where = await this.#sink.prepare(this.#bytes.length - this.#written);
    if (where === "fresh" && this.#written > 0) {
      this.#written = this.#bytes.lastIndexOf(LINE_END, this.#written - 1) + 1;
    }
    while (this.#written < this.#bytes.length) {
      this.#written += await this.#sink.write(this.#bytes, this.#written);
    }
    this.#bytes = Buffer.alloc(0);
    this.#written = 0;
  }
}
