import type { EpochMs, Millis } from "../../domain/units.js";
import type { Out } from "../context.js";
import { formatCount } from "../table.js";

/** Below it nobody has the time to read a bar. */
const LONG_BYTES = 16 * 1024 * 1024;
const BETWEEN_MS: Millis = 100;
const WIDTH = 30;
/** To the beginning of the line, and nothing left on it: ECMA-48's CR and EL. */
const CLEAR = "\r\u001b[K";

export interface ProgressOptions {
  /** A terminal's. */
  readonly out: Out;
  /** In bytes; undefined: not known beforehand. */
  readonly total: number | undefined;
  readonly now: () => EpochMs;
  readonly longBytes?: number;
}

/** Shows on a terminal how much of a long log is read, and is gone at the end. */
export class ProgressBar {
  readonly #options: ProgressOptions;
  readonly #longBytes: number;
  #read = 0;
  #shownAt: EpochMs | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#longBytes = options.longBytes ?? LONG_BYTES;
  }

  /** Count bytes of a log as they are read. */
  async *watch(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.#read += chunk.length;
      this.#show();
      yield chunk;
    }
  }

  clear(): void {
    if (this.#shownAt !== undefined) this.#options.out.write(CLEAR);
  }

  #show(): void {
    const { out, total, now } = this.#options;
    if ((total ?? this.#read) < this.#longBytes) return;
    const at = now();
    if (this.#shownAt !== undefined && at - this.#shownAt < BETWEEN_MS) return;
    this.#shownAt = at;
    out.write(`${CLEAR}${total === undefined ? megabytes(this.#read) : this.#bar(total)}`);
  }

  #bar(total: number): string {
    // A log that is still written to grows while it is read.
    const share = Math.min(1, this.#read / total);
    const done = Math.floor(share * WIDTH);
    return `[${"#".repeat(done)}${".".repeat(WIDTH - done)}] ${Math.floor(share * 100)}% of ${megabytes(total)}`;
  }
}

function megabytes(bytes: number): string {
  return `${formatCount(Math.floor(bytes / 1e6))} MB`;
}
