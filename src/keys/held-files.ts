import type { Millis } from "../domain/units.js";
import { stampOf } from "./read-file.js";

/** What came of reading files: what they hold, or why they are of no use, as a line for a person. */
export type Reading<T> = { readonly kind: "good"; readonly value: T } | { readonly kind: "bad"; readonly why: string };

export interface HeldFilesOptions<T> {
  /** What is read together is used together, or not at all. */
  readonly paths: readonly string[];
  /** Reads them all. Never throws for what the file system answers or the files hold. */
  readonly read: () => Promise<Reading<T>>;
  /** Told when what changed has been taken up. Must not throw. */
  readonly onTaken: (value: T) => void;
  /** Told once, in the words of `why`, when what the files hold now is of no use. Must not throw. */
  readonly onLost: (why: string) => void;
  /** How often the files are looked at; 1 s when left out. */
  readonly pollMs?: Millis;
}

const POLL_MS = 1_000;
const READS_TO_BE_SURE = 2;

/**
 * What some files hold, each as it is now; while they hold nothing of use, the last that was.
 *
 * Looked at and not listened to: a look goes through the links by which Kubernetes swaps secrets, and sees what network
 * mounts tell nobody. Files that are written one after another do not fit each other for a moment, so nothing is said of
 * them before a second look finds them no better.
 */
export class HeldFiles<T> {
  readonly #options: HeldFilesOptions<T>;
  readonly #poll: NodeJS.Timeout;
  #value: T;
  #stamp: string;
  /** Reads, one after another, that found nothing of use. */
  #badReads = 0;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: HeldFilesOptions<T>, value: T, stamp: string) {
    this.#options = options;
    this.#value = value;
    this.#stamp = stamp;
    this.#poll = setInterval(() => void this.look(), options.pollMs ?? POLL_MS);
    this.#poll.unref();
  }

  /** Read the files for the first time, and look at them from then on. */
  static async open<T>(
    options: HeldFilesOptions<T>,
  ): Promise<{ readonly kind: "open"; readonly files: HeldFiles<T> } | { readonly kind: "bad"; readonly why: string }> {
    const stamp = await stampsOf(options.paths);
    const read = await options.read();
    return read.kind === "bad" ? read : { kind: "open", files: new HeldFiles(options, read.value, stamp) };
  }

  get value(): T {
    return this.#value;
  }

  /** Look at the files, and take up what they hold if they changed. Two looks at once are one. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Look no more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
  }

  /** The stamp is taken before the files are read: what is written in between is seen by the next look. */
  async #look(): Promise<void> {
    const stamp = await stampsOf(this.#options.paths);
    // What was of no use may become so by itself: a certificate that is not valid yet.
    if (stamp === this.#stamp && this.#badReads === 0) return;
    const read = await this.#options.read();
    if (this.#isClosed) return;
    this.#stamp = stamp;
    if (read.kind === "good") {
      this.#badReads = 0;
      this.#value = read.value;
      this.#options.onTaken(read.value);
      return;
    }
    this.#badReads += 1;
    if (this.#badReads === READS_TO_BE_SURE) this.#options.onLost(read.why);
  }
}

async function stampsOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(stampOf))).join(" ");
}
