import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { KeptUses, KeyUseStore } from "../app/key-use-ports.js";
import type { Clock } from "../app/ports.js";
import { keyOfName, nameOfKey, type SeenUse, USES_KEPT_MS } from "../domain/key-use.js";
import type { EpochMs } from "../domain/units.js";
import { isRefusal } from "./read-file.js";

const OWNER_ONLY = 0o600;

const fileSchema = z.object({ since: z.number(), uses: z.record(z.string(), z.number()) });

export interface UsesHereOptions {
  readonly clock: Clock;
  /** Where they outlive this process; left out: nowhere. */
  readonly file?: string;
  /** Told where the file cannot be read or written, once until it can be again. Must not throw. */
  readonly failed: (cause: Error) => void;
}

/** The last uses of keys that this process alone saw, in a file where it is to outlive the process. */
export class UsesHere implements KeyUseStore {
  readonly #options: UsesHereOptions;
  /** By name. */
  readonly #uses: Map<string, EpochMs>;
  readonly #since: EpochMs;
  #isWritten = false;
  #hasFailed = false;

  constructor(options: UsesHereOptions) {
    this.#options = options;
    const { since, uses } = this.#readFile();
    this.#since = since;
    this.#uses = new Map(Object.entries(uses));
  }

  async keep(uses: readonly SeenUse[]): Promise<{ readonly kind: "kept" }> {
    for (const { key, at } of uses) {
      const name = nameOfKey(key);
      this.#uses.set(name, Math.max(at, this.#uses.get(name) ?? 0));
    }
    if (uses.length > 0 || !this.#isWritten) await this.#write();
    return { kind: "kept" };
  }

  read(): KeptUses {
    const oldest = this.#options.clock.now() - USES_KEPT_MS;
    const uses = Array.from(this.#uses).flatMap(([name, at]) => {
      const key = keyOfName(name);
      return key && at >= oldest ? [{ key, at }] : [];
    });
    return { kind: "uses", since: Math.max(this.#since, oldest), uses };
  }

  #readFile(): z.output<typeof fileSchema> {
    const { file, failed, clock } = this.#options;
    const none = { since: clock.now(), uses: {} };
    if (file === undefined) return none;
    try {
      return fileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      if (!isRefusal(cause) || cause.code !== "ENOENT") failed(cause);
      return none;
    }
  }

  /** Beside the old one and then in its place: a crash in between loses nothing. */
  async #write(): Promise<void> {
    const { file, failed, clock } = this.#options;
    if (file === undefined) return;
    const oldest = clock.now() - USES_KEPT_MS;
    for (const [name, at] of this.#uses) if (at < oldest) this.#uses.delete(name);
    try {
      const text = JSON.stringify({ since: this.#since, uses: Object.fromEntries(this.#uses) });
      await writeFile(`${file}.next`, text, { mode: OWNER_ONLY });
      await rename(`${file}.next`, file);
      this.#isWritten = true;
      this.#hasFailed = false;
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      if (!this.#hasFailed) failed(cause);
      this.#hasFailed = true;
    }
  }
}
