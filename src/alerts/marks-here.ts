import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { AlertMarks } from "../app/alert-ports.js";
import type { Clock } from "../app/ports.js";
import type { Millis } from "../domain/units.js";

const MODE = 0o600;

const fileSchema = z.record(z.string(), z.number());

export interface MarksHereOptions {
  readonly clock: Clock;
  /** Where kept marks outlive this process; undefined: nowhere. */
  readonly file?: string | undefined;
  /** Told where the file cannot be read or written: an alert may come again after a restart. Must not throw. */
  readonly failed: (cause: Error) => void;
}

/** Marks of this process alone. Those that were kept are written to a file, because what they were told of outlives it too. */
export class MarksHere implements AlertMarks {
  readonly #options: MarksHereOptions;
  /** By id, until when. */
  readonly #taken = new Map<string, number>();
  readonly #kept: Map<string, number>;

  constructor(options: MarksHereOptions) {
    this.#options = options;
    this.#kept = new Map(Object.entries(this.#read()));
  }

  lead(): boolean {
    return true;
  }

  take(id: string, forMs: Millis): boolean {
    const now = this.#options.clock.now();
    if (now < (this.#kept.get(id) ?? 0) || now < (this.#taken.get(id) ?? 0)) return false;
    this.#taken.set(id, now + forMs);
    return true;
  }

  keep(id: string, forMs: Millis): boolean {
    const now = this.#options.clock.now();
    if (now >= (this.#taken.get(id) ?? 0)) return false;
    this.#taken.delete(id);
    this.#kept.set(id, now + forMs);
    this.#write(now);
    return true;
  }

  #read(): Readonly<Record<string, number>> {
    const { file, failed } = this.#options;
    if (file === undefined) return {};
    try {
      return fileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      if (!("code" in cause && cause.code === "ENOENT")) failed(cause);
      return {};
    }
  }

  /** Beside the old one and then in its place: a crash in between loses nothing. */
  #write(now: number): void {
    for (const marks of [this.#taken, this.#kept]) for (const [id, until] of marks) if (until <= now) marks.delete(id);
    const { file, failed } = this.#options;
    if (file === undefined) return;
    try {
      writeFileSync(`${file}.next`, JSON.stringify(Object.fromEntries(this.#kept)), { mode: MODE });
      renameSync(`${file}.next`, file);
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      failed(cause);
    }
  }
}
