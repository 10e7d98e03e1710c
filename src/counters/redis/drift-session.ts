import { setTimeout as pause } from "node:timers/promises";
import type { Away } from "../../app/ports.js";
import type { EpochMs, Millis } from "../../domain/units.js";
import { windowCode } from "./codes.js";
import type { HeldLot, Lot } from "./drift-lots.js";
import type { Keys } from "./keys.js";
import { timeIn } from "./replies.js";
import type { ScriptServer } from "./script-server.js";
import type { Script, Scripts } from "./scripts.js";

const HEAD_BYTES = 8;
/** Fields or keys that a part of a walk looks at, and cells that are read or changed at once. */
const PART = 100;
const CHANGE_BYTES = 20;

export interface DriftSessionOptions {
  readonly server: ScriptServer;
  readonly scripts: Scripts;
  readonly keys: Keys;
  /** What the lease holds, unlike any other session's. */
  readonly value: string;
  /** How long the lease outlives the last that was heard of its holder. */
  readonly leaseMs: Millis;
  /** Between two parts: time in which the server and this process do what callers wait for. */
  readonly pauseMs: Millis;
  readonly isStopped: () => boolean;
  readonly time?: (() => EpochMs) | undefined;
}

/** Why a run ended before its end. */
export class Abandoned extends Error {
  readonly result: Away | { readonly kind: "elsewhere" };

  constructor(result: Away | { readonly kind: "elsewhere" }) {
    super("the look for drift was given up");
    this.result = result;
  }
}

/** A part of a walk: keys with what stands there, after what the script says of all. */
export type WalkPart = readonly unknown[];

/** One run's way to the server, in small parts with pauses, under its lease. Throws `Abandoned` where it cannot go on. */
export class DriftSession {
  readonly keys: Keys;
  readonly #options: DriftSessionOptions;
  #leasedAt = 0;
  #serverId: string | undefined;
  #now: EpochMs = 0;
  #state: Buffer | null = null;

  constructor(options: DriftSessionOptions) {
    this.#options = options;
    this.keys = options.keys;
  }

  /** The server's time at its last answer. */
  get now(): EpochMs {
    return this.#now;
  }

  /** What the shared hash said of itself then. */
  get state(): Buffer | null {
    return this.#state;
  }

  /** Take the lease; false: it is another's. */
  begin(): Promise<boolean> {
    return this.#lease("take");
  }

  /** Leave the lease. Where the server is away it ends by itself. */
  async end(): Promise<void> {
    try {
      await this.#lease("leave");
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
    }
  }

  /** Walk the shared hash, principals' hashes or open records. Records that end from `before` on are counted only. */
  async *walk(what: "shared" | "own" | "records", before: EpochMs = 0): AsyncGenerator<WalkPart> {
    const { keys } = this;
    const pattern = what === "own" ? keys.owns : keys.records;
    let cursor = "0";
    do {
      const [next, ...rest] = await this.#ask(
        this.#options.scripts.walk,
        [keys.shared],
        [what, cursor, pattern, String(PART), double(before)],
      );
      cursor = String(next);
      yield rest;
    } while (cursor !== "0");
  }

  /** Hear the time and the state. */
  async meet(): Promise<void> {
    await this.#ask(this.#options.scripts.look, [this.keys.shared], []);
  }

  /** Read cells, in parts. Those that are not there are left out. */
  async *cells<Named extends Pick<Lot, "principal" | "field">>(
    named: readonly Named[],
  ): AsyncGenerator<[Named, Buffer]> {
    for (let from = 0; from < named.length; from += PART) {
      const part = named.slice(from, from + PART);
      const hashes = part.map(({ principal }) => this.hashOf(principal));
      const fields = part.map(({ field }) => field);
      const cells = await this.#ask(this.#options.scripts.look, [this.keys.shared, ...hashes], fields);
      for (const [nth, one] of part.entries()) {
        const cell = cells[nth];
        if (Buffer.isBuffer(cell) && cell.length > 0) yield [one, cell];
      }
    }
  }

  /** Change lots by amounts. Yields by what each was changed, in parts. */
  async *change<Change extends HeldLot>(changes: readonly Change[]): AsyncGenerator<[Change, number]> {
    for (let from = 0; from < changes.length; from += PART) {
      const part = changes.slice(from, from + PART);
      const changed = await this.#ask(
        this.#options.scripts.repair,
        [this.keys.shared, this.keys.lease, ...part.map(({ principal }) => this.hashOf(principal))],
        [this.#options.value, this.#serverId ?? "", ...part.flatMap((lot) => [lot.field, writeChange(lot)])],
      );
      if (changed.length < part.length) throw new Abandoned({ kind: "elsewhere" });
      for (const [nth, lot] of part.entries()) {
        const by = changed[nth];
        if (Buffer.isBuffer(by)) yield [lot, by.readDoubleLE(0)];
      }
    }
  }

  hashOf(principal: string): string {
    return principal === "" ? this.keys.shared : this.keys.own(principal);
  }

  async #lease(how: "take" | "keep" | "leave"): Promise<boolean> {
    const { server, scripts, value, keys, leaseMs } = this.#options;
    const away = server.away();
    if (away) throw new Abandoned(away);
    this.#leasedAt = performance.now();
    const [answer] = await server.run(scripts.lease, [keys.lease], [how, value, String(leaseMs)]);
    return String(answer) === "1";
  }

  /** Run a script after a pause; its reply without head and state. */
  async #ask(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<readonly unknown[]> {
    const { server, pauseMs, leaseMs, isStopped, time } = this.#options;
    await pause(pauseMs);
    if (isStopped()) throw new Abandoned({ kind: "away", cause: new Error("the check was stopped") });
    const isDue = performance.now() - this.#leasedAt > leaseMs / 3;
    if (isDue && !(await this.#lease("keep"))) throw new Abandoned({ kind: "elsewhere" });
    const away = server.away();
    if (away) throw new Abandoned(away);

    const [head, state, ...rest] = await server.run(script, keys, [double(time?.() ?? 0), ...args]);
    if (!Buffer.isBuffer(head) || !Buffer.isBuffer(state)) throw new TypeError("a reply of another form");
    const serverId = head.toString("latin1", HEAD_BYTES);
    const now = timeIn(head);
    this.#serverId ??= serverId;
    // What was read before means nothing there, or not by this clock.
    if (serverId !== this.#serverId || now < this.#now) {
      const what = now < this.#now ? "the server's clock went back" : "another server answers than before";
      throw new Abandoned({ kind: "away", cause: new Error(what) });
    }
    this.#now = now;
    this.#state = state.length > 0 ? state : null;
    return rest;
  }
}

function writeChange({ window, place, end, amount }: HeldLot): Buffer {
  const bytes = Buffer.alloc(CHANGE_BYTES);
  bytes.writeUInt8(windowCode(window), 0);
  bytes.writeUIntLE(place, 1, 5);
  bytes.writeUIntLE(end, 6, 6);
  bytes.writeDoubleLE(amount, 12);
  return bytes;
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value, 0);
  return bytes;
}
