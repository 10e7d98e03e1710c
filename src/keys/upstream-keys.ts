import { fingerprintOf } from "../domain/fingerprint.js";
import type { Policy } from "../domain/policy.js";
import type { SecretPlace } from "../domain/secret-place.js";
import type { Millis } from "../domain/units.js";
import { stampOf } from "./read-file.js";
import { type KeyRead, keyIn, placeText, readKeyFile } from "./read-key.js";

export interface UpstreamKeysOptions {
  /** Reads an environment variable; undefined where it is not set. */
  readonly variable: (name: string) => string | undefined;
  /** Told in one line, once, when a file holds no key any more. Must not throw. */
  readonly onLost: (line: string) => void;
  /** How often files are looked at; 1 s when left out. */
  readonly pollMs?: Millis;
}

/** What came of reading a policy's keys: all of them are in force, or none, with every fault as a line for a person. */
export type KeysRead = { readonly kind: "ok" } | { readonly kind: "faulty"; readonly faults: readonly string[] };

/** A key in force, and where it came from. Workspaces with one place share it. */
interface Held {
  readonly place: SecretPlace;
  key: string;
  fingerprint: string;
  /** What its file looked like when it was read; undefined for a variable. */
  stamp: string | undefined;
  /** Whether it was told that its file holds no key any more. */
  isLost: boolean;
}

/** Soon enough for a key that was rotated because it leaked, seldom enough to cost nothing. */
const POLL_MS = 1_000;

/**
 * The Mistral keys that calls through Envoy are sent with, in memory, each as its file says now.
 *
 * Files are looked at every second and not listened to: a look goes through the links by which Kubernetes swaps secrets,
 * and sees what network mounts tell nobody. A file that vanished or holds no key keeps the last good one in force.
 * Variables are read when a policy comes. Nothing but `keyOf` gives a key out, and no line shows one.
 */
export class UpstreamKeys {
  readonly #options: UpstreamKeysOptions;
  readonly #poll: NodeJS.Timeout;
  #held: ReadonlyMap<string, Held> = new Map();
  #byWorkspace: ReadonlyMap<string, Held> = new Map();
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: UpstreamKeysOptions) {
    this.#options = options;
    this.#poll = setInterval(() => void this.look(), options.pollMs ?? POLL_MS);
    this.#poll.unref();
  }

  /** Read all keys of the first policy. */
  open(policy: Policy): Promise<KeysRead> {
    return this.swap(policy);
  }

  /**
   * Read all keys of a policy and put them in force; where one cannot be read, those before stay.
   *
   * A file that was in force already keeps its last good key if it holds none now. Asked twice at once, the later call
   * to finish wins: the caller takes turns.
   */
  async swap(policy: Policy): Promise<KeysRead> {
    const held = new Map<string, Held>();
    const byWorkspace = new Map<string, Held>();
    const faults: string[] = [];
    for (const { name, upstreamKey: place } of policy.workspaces.values()) {
      if (!place) continue;
      const id = `${place.kind} ${place.kind === "file" ? place.path : place.name}`;
      const found = held.get(id) ?? (await this.#take(place, this.#held.get(id)));
      if (typeof found === "string") {
        faults.push(`workspaces.${name}.upstream_key: ${found}`);
        continue;
      }
      held.set(id, found);
      byWorkspace.set(name, found);
    }
    if (faults.length > 0) return { kind: "faulty", faults };
    if (this.#isClosed) return { kind: "ok" };
    this.#held = held;
    this.#byWorkspace = byWorkspace;
    return { kind: "ok" };
  }

  /** The Mistral key of a workspace; undefined where the policy in force gives it none. */
  keyOf(workspace: string): string | undefined {
    return this.#byWorkspace.get(workspace)?.key;
  }

  /** What tells that key from others, without showing it. */
  fingerprintOf(workspace: string): string | undefined {
    return this.#byWorkspace.get(workspace)?.fingerprint;
  }

  /** The workspaces of each key in force, by its fingerprint. */
  inForce(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>();
    for (const [workspace, { fingerprint }] of this.#byWorkspace) {
      const workspaces = found.get(fingerprint);
      if (workspaces) workspaces.push(workspace);
      else found.set(fingerprint, [workspace]);
    }
    return found;
  }

  /** Look at every file, and take up the keys of those that changed. Two looks at once are one. */
  look(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Look no more, and forget every key. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    this.#held = new Map();
    this.#byWorkspace = new Map();
  }

  /** @returns what is wrong, for a person, where there is no key. */
  async #take(place: SecretPlace, before: Held | undefined): Promise<Held | string> {
    if (place.kind === "file" && before) {
      await this.#renew(before, place.path);
      return before;
    }
    const stamp = place.kind === "file" ? await stampOf(place.path) : undefined;
    const read = place.kind === "file" ? await readKeyFile(place.path) : keyIn(this.#options.variable(place.name));
    if (read.kind === "none") return `${placeText(place)} ${read.why}; put the workspace's Mistral key there`;
    return { place, key: read.key, fingerprint: fingerprintOf(read.key), stamp, isLost: false };
  }

  async #lookAtAll(): Promise<void> {
    for (const held of this.#held.values()) {
      if (held.place.kind === "file") await this.#renew(held, held.place.path);
    }
  }

  /** The stamp is taken before the file is read: what is written in between is seen by the next look. */
  async #renew(held: Held, path: string): Promise<void> {
    const stamp = await stampOf(path);
    if (stamp === held.stamp) return;
    this.#takeUp(held, await readKeyFile(path));
    held.stamp = stamp;
  }

  #takeUp(held: Held, read: KeyRead): void {
    if (read.kind === "key") {
      held.key = read.key;
      held.fingerprint = fingerprintOf(read.key);
      held.isLost = false;
      return;
    }
    if (!held.isLost && !this.#isClosed) {
      this.#options.onLost(`${placeText(held.place)} ${read.why}; the Mistral key that it held last stays in force`);
    }
    held.isLost = true;
  }
}
