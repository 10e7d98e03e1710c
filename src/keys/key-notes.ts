import type { KeyUse, KeyUses } from "../app/key-ports.js";
import type { KeptUses, KeyUseStore } from "../app/key-use-ports.js";
import type { Away, Clock } from "../app/ports.js";
import type { SeenKey, SeenUse } from "../domain/key-use.js";
import type { EpochMs, Millis } from "../domain/units.js";

export interface KeyNotesOptions {
  readonly store: KeyUseStore;
  readonly clock: Clock;
  /** How often notes go to the store; 5 s when left out. */
  readonly flushMs?: Millis;
}

/** One key, and when it was used last. */
interface Note {
  readonly key: SeenKey;
  at: EpochMs;
  /** What the store has kept of it; 0: nothing. */
  keptAt: EpochMs;
}

const FLUSH_MS: Millis = 5_000;
/** A key that nobody uses any more leaves the notes of this process; the store keeps it. */
const NOTED_MS: Millis = 3_600_000;

/**
 * Notes which keys are used, in each call, and tells the store every few seconds.
 *
 * A call looks its key up and writes down the time, no more. What the store did not take is sent again with what comes
 * next: only the last use of each key counts, so nothing piles up.
 */
export class KeyNotes implements KeyUses {
  readonly #options: KeyNotesOptions;
  /** By hash. */
  readonly #callers = new Map<string, Note>();
  /** By workspace. */
  readonly #upstream = new Map<string, Note>();
  /** Of upstream keys whose workspace has another since. */
  #before: Note[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: KeyNotesOptions) {
    this.#options = options;
  }

  /** An API key has proved its caller. */
  readonly caller = (id: string, sha256: string): void => {
    const at = this.#options.clock.now();
    const note = this.#callers.get(sha256);
    if (note) note.at = at;
    else this.#callers.set(sha256, { key: { kind: "caller", id, sha256 }, at, keptAt: 0 });
  };

  /** A workspace's call goes on with the Mistral key of this fingerprint. */
  upstream(workspace: string, fingerprint: string): void {
    const at = this.#options.clock.now();
    const note = this.#upstream.get(workspace);
    if (note && note.key.kind === "upstream" && note.key.fingerprint === fingerprint) {
      note.at = at;
      return;
    }
    if (note) this.#before.push(note);
    this.#upstream.set(workspace, { key: { kind: "upstream", fingerprint, workspace }, at, keptAt: 0 });
  }

  /** Send notes to the store from now on. */
  start(): void {
    this.#timer = setInterval(() => void this.flush(), this.#options.flushMs ?? FLUSH_MS).unref();
    // Even where no key is used for a while it is then known since when none was.
    void this.flush();
  }

  /** Send what was not sent yet, and no more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flushing;
    await this.flush();
  }

  /** Send what was not sent yet. Two at once are one. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** All that is known of every key's use, this process's own of a moment ago too. */
  async seen(): Promise<KeptUses | Away> {
    await this.flush();
    return this.#options.store.read();
  }

  async read(kind: SeenKey["kind"]): ReturnType<KeyUses["read"]> {
    const seen = await this.seen();
    if (seen.kind === "away") return seen;
    const latest = new Map<string, EpochMs>();
    for (const { key, at } of seen.uses) {
      if (key.kind !== kind) continue;
      const id = key.kind === "caller" ? key.id : key.fingerprint;
      latest.set(id, Math.max(at, latest.get(id) ?? 0));
    }
    const uses: KeyUse[] = Array.from(latest, ([id, lastUsed]) => ({ id, lastUsed }));
    return { kind: "uses", since: seen.since, uses };
  }

  async #flush(): Promise<void> {
    const all = [...this.#callers.values(), ...this.#upstream.values(), ...this.#before];
    const sent = all.filter(({ at, keptAt }) => at > keptAt).map((note) => ({ note, at: note.at }));
    const uses: readonly SeenUse[] = sent.map(({ note, at }) => ({ key: note.key, at }));
    const kept = await this.#options.store.keep(uses);
    if (kept.kind === "away") return;
    for (const { note, at } of sent) note.keptAt = at;
    this.#forget();
  }

  /** Drop notes that the store has and nobody adds to. */
  #forget(): void {
    const oldest = this.#options.clock.now() - NOTED_MS;
    for (const notes of [this.#callers, this.#upstream]) {
      for (const [name, { at, keptAt }] of notes) if (at === keptAt && at < oldest) notes.delete(name);
    }
    this.#before = this.#before.filter(({ at, keptAt }) => at > keptAt);
  }
}
