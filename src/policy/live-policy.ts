import { setTimeout } from "node:timers/promises";
import type { Clock, PolicySource } from "../app/ports.js";
import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { judge, type Load, type Refused, type Sound } from "./judge.js";
import { readSteady, type SteadyRead } from "./steady-read.js";
import { type PolicyLog, type PolicyWatch, watchPolicyFile } from "./watch.js";

export interface LivePolicyOptions {
  readonly file: string;
  /** May refuse a policy that is sound in itself, where this server cannot run with it. */
  readonly load: Load;
  readonly log: PolicyLog;
  readonly clock: Clock;
  /** How long a file must have been still to be read. */
  readonly settleMs?: Millis;
  readonly watch?: typeof watchPolicyFile;
}

export type OpenedPolicy =
  | { readonly kind: "open"; readonly live: LivePolicy }
  | { readonly kind: "faulty"; readonly faults: readonly string[] };

/** What a reload came to. `unchanged`: the file says, byte for byte, what is in force. */
export type ReloadOutcome = "swapped" | "unchanged" | "faulty" | "closed";

export interface LivePolicyState {
  readonly revision: string;
  readonly loadedAt: EpochMs;
  /** The file says something else than what is in force, and it is at fault. */
  readonly stale: boolean;
  /** Why it is stale, as lines for a person. */
  readonly faults: readonly string[];
  /** `ok`: swaps. `failed`: contents that were refused, and times when the file could not be read. */
  readonly reloads: { readonly ok: number; readonly failed: number };
}

const SETTLE_MS = 100;
/** Faults that are kept in mind as said. A file that is broken in more ways before it heals is spoken of again. */
const MOST_SAID = 64;

/**
 * The policy in force, kept in step with its file.
 *
 * A file that is missing, unreadable or at fault leaves the last good policy in force, is logged once for each content,
 * and heals by itself as soon as the file is in order.
 */
export class LivePolicy implements PolicySource {
  readonly #options: LivePolicyOptions;
  readonly #watch: PolicyWatch;
  readonly #listeners = new Set<(policy: Policy) => void>();
  readonly #said = new Set<string>();
  #inForce: Sound;
  #loadedAt: EpochMs;
  #refused: Refused | undefined;
  #ok = 0;
  #failed = 0;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<ReloadOutcome> | undefined;
  #closed = false;

  private constructor(options: LivePolicyOptions, first: Sound) {
    this.#options = options;
    this.#inForce = first;
    this.#loadedAt = options.clock.now();
    for (const warning of first.warnings) options.log.warn(warning);
    const { file, log, watch = watchPolicyFile } = options;
    this.#watch = watch({ file, log, seen: first.stamp, onChange: () => void this.reload() });
  }

  /** Load a policy file and keep watching it; a file at fault is not watched. */
  static async open(options: LivePolicyOptions): Promise<OpenedPolicy> {
    const first = await judge(await read(options), options);
    if (first.kind === "sound") return { kind: "open", live: new LivePolicy(options, first) };
    return { kind: "faulty", faults: first.kind === "refused" ? first.faults : [] };
  }

  current(): Policy {
    return this.#inForce.policy;
  }

  state(): LivePolicyState {
    return {
      revision: this.#inForce.policy.revision,
      loadedAt: this.#loadedAt,
      stale: this.#refused !== undefined,
      faults: this.#refused?.faults ?? [],
      reloads: { ok: this.#ok, failed: this.#failed },
    };
  }

  /** Call this after every swap, with the new policy. Returns what ends it. */
  onSwap(listener: (policy: Policy) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Read the file again, even if it looks unchanged.
   *
   * Reloads run one after another, and each reads the file when its turn comes: the newest content wins. Who asks while
   * one waits shares it. Never rejects.
   */
  reload(): Promise<ReloadOutcome> {
    if (this.#next) return this.#next;
    const next = this.#last.then(() => {
      this.#next = undefined;
      return this.#reload();
    });
    this.#next = next;
    this.#last = next;
    return next;
  }

  /** Stop watching. What is in force stays readable. */
  close(): void {
    this.#closed = true;
    this.#watch.close();
  }

  async #reload(): Promise<ReloadOutcome> {
    if (this.#closed) return "closed";
    const found = await read(this.#options);
    const judged = await this.#judge(found);
    if (this.#closed) return "closed";

    // Nothing need change at the file for the next try to succeed: descriptors may be free again.
    if (found.kind === "unreadable" && found.stamp === undefined) this.#watch.recheck();
    switch (judged.kind) {
      case "in_force":
        return this.#keep();
      case "refused":
        return this.#refuse(judged);
      case "sound":
        return this.#swap(judged);
    }
  }

  async #judge(found: SteadyRead): ReturnType<typeof judge> {
    const { file, load } = this.#options;
    try {
      return await judge(found, { file, load, inForce: this.#inForce.digest, refused: this.#refused });
    } catch (error) {
      const fault = `${printable(file)}: cannot be checked (${messageOf(error)}); send SIGHUP to try again`;
      return { kind: "refused", about: fault, faults: [fault] };
    }
  }

  #keep(): ReloadOutcome {
    const { log, file } = this.#options;
    if (this.#refused) log.info(`${printable(file)}: in order again, policy ${this.#name()} stays in force`);
    this.#heal();
    return "unchanged";
  }

  #swap(sound: Sound): ReloadOutcome {
    const { log, file } = this.#options;
    const before = this.#name();
    this.#inForce = sound;
    this.#loadedAt = this.#options.clock.now();
    this.#ok += 1;
    this.#heal();
    log.info(`${printable(file)}: policy ${this.#name()} is in force, after ${before}`);
    for (const warning of sound.warnings) log.warn(warning);
    for (const listener of this.#listeners) this.#tell(listener);
    return "swapped";
  }

  #tell(listener: (policy: Policy) => void): void {
    try {
      listener(this.#inForce.policy);
    } catch (error) {
      // The policy is in force already, and the others must hear of it.
      this.#options.log.error(`a listener failed on policy ${this.#name()}: ${messageOf(error)}`);
    }
  }

  #refuse(refused: Refused): ReloadOutcome {
    if (this.#refused?.about !== refused.about) this.#failed += 1;
    this.#refused = refused;
    if (this.#said.has(refused.about)) return "faulty";
    if (this.#said.size === MOST_SAID) this.#said.clear();
    this.#said.add(refused.about);
    const [first = "at fault", ...more] = refused.faults;
    const others = more.length > 0 ? ` (and ${more.length} more)` : "";
    this.#options.log.error(`policy ${this.#name()} stays in force: ${first}${others}`);
    return "faulty";
  }

  #heal(): void {
    this.#refused = undefined;
    this.#said.clear();
  }

  #name(): string {
    return this.#inForce.policy.revision;
  }
}

function read({ file, settleMs = SETTLE_MS }: LivePolicyOptions): Promise<SteadyRead> {
  return readSteady({ file, settle: () => setTimeout(settleMs) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
