import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { AlertMarks } from "../app/alert-ports.js";
import type { Clock } from "../app/ports.js";
import type { Millis } from "../domain/units.js";

const MODE = 0o600;
/** Marks that are kept within it are written together. */
const GATHER_MS: Millis = 100;

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
  #saving: Promise<void> | undefined;
  #isUnsaved = false;
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
    this.#forget(now);
    if (now < (this.#kept.get(id) ?? 0) || now < (this.#taken.get(id) ?? 0)) return false;
    this.#taken.set(id, now + forMs);
    return true;
  }

  keep(id: string, forMs: Millis): boolean {
    const now = this.#options.clock.now();
    if (now >= (this.#taken.get(id) ?? 0)) return false;
    this.#taken.delete(id);
    this.#kept.set(id, now + forMs);
    this.#save();
    return true;
  }

  /** Write what is not written yet. */
  async close(): Promise<void> {
    await this.#saving;
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

  /** Drop what was taken and has ended. All are taken for as long, so the oldest come first. */
  #forget(now: number): void {
    for (const [id, until] of this.#taken) {
      if (until > now) return;
      this.#taken.delete(id);
    }
  }

  #save(): void {
    this.#isUnsaved = true;
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = undefined;
    });
  }

  async #saveAll(): Promise<void> {
    while (this.#isUnsaved) {
      await pause(GATHER_MS);
      this.#isUnsaved = false;
      await this.#write(this.#options.clock.now());
    }
  }

  /** Beside the old one and then in its place: a crash in between loses nothing. */
  async #write(now: number): Promise<void> {
    for (const [id, until] of this.#kept) if (until <= now) this.#kept.delete(id);
    const { file, failed } = this.#options;
    if (file === undefined) return;
    try {
      await writeFile(`${file}.next`, JSON.stringify(Object.fromEntries(this.#kept)), { mode: MODE });
      await rename(`${file}.next`, file);
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      failed(cause);
    }
  }
}
