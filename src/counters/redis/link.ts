import type { Away } from "../../app/ports.js";
import type { Millis } from "../../domain/units.js";
import { isReply, type RedisClient } from "./client.js";
import type { GatherOptions } from "./gather.js";
import type { Keys } from "./keys.js";
import { timeIn } from "./replies.js";
import { ScriptCaller } from "./script-caller.js";
import type { ScriptServer } from "./script-server.js";
import type { Script, Scripts } from "./scripts.js";

/** What the link tells of, once for each change. */
export interface LinkEvents {
  readonly up: () => void;
  readonly down: (cause: unknown) => void;
  /** The server has lost all that it held since it was last heard. */
  readonly emptied: () => void;
  /** An answer said the server's time. */
  readonly time: (now: number) => void;
  readonly inDoubt: (reservationId: string) => void;
  /** A call failed though the server is well: something stored cannot be read. */
  readonly failed: (cause: unknown) => void;
  /** Scripts are called as scripts and not as functions, which is slower. Told once. */
  readonly functionsRefused: (cause: unknown) => void;
}

export interface LinkOptions {
  readonly client: RedisClient;
  readonly scripts: Scripts;
  /** undefined: no policy says yet whose they are. */
  readonly keys: () => Keys | undefined;
  readonly timeoutMs: Millis;
  readonly events: LinkEvents;
}

/** So many calls in a row without an answer in time, and no more are sent. */
const MOST_LATE = 3;
/** While it is down a probe is sent so often; while it is up, so often where nothing else was heard. */
const PROBE_MS: Millis = 250;
/** A connection that has been silent for so long is dropped for a new one. */
const SILENT_MS: Millis = 1_000;
const EPOCH_AT = 8;
/** Answers that say that nothing was done and that the next call would fare no better. */
const UNWELL =
  /^(?:READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|NOPERM|NOAUTH|WRONGPASS|MISCONF|BUSY|NOREPLICAS|UNKILLABLE)\b|ACL failure|^ERR The user executing the script can't /;

/**
 * The way to the servers, with a circuit breaker: once they do not answer, nothing is sent but probes, and every call is
 * answered at once that the store is away. The first probe that is answered in time closes the breaker again.
 */
export class RedisLink implements ScriptServer {
  readonly #options: LinkOptions;
  readonly #caller: ScriptCaller;
  readonly #probing: NodeJS.Timeout;
  #away: Away | undefined = { kind: "away", cause: new Error("not connected yet") };
  #wasToldDown = false;
  #isClosed = false;
  #late = 0;
  #heardAt = performance.now();
  #isProbing = false;
  #probes = Math.floor(performance.timeOrigin);
  #epoch: Buffer | undefined;
  #epochOf: string | undefined;
  #connection: unknown;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { client, scripts, events } = options;
    this.#caller = new ScriptCaller({ client, library: scripts.library, refused: events.functionsRefused });
    client.on("ready", () => void this.#probe());
    client.on("close", () => this.#down(this.#connection ?? new Error("the connection was closed")));
    // Why a connection failed comes apart from that it did.
    client.on("error", (cause) => {
      this.#connection = cause;
    });
    this.#probing = setInterval(() => this.#watch(), PROBE_MS).unref();
  }

  isUp(): boolean {
    return this.#away === undefined;
  }

  away(): Away | undefined {
    return this.#away;
  }

  run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<readonly unknown[]> {
    return this.#caller.run(script, keys, args);
  }

  readonly told: GatherOptions["told"] = (outcome) => {
    if (outcome === "answered") {
      this.#late = 0;
      return;
    }
    if (outcome === "late") {
      this.#late++;
      if (this.#late >= MOST_LATE) this.#down(new Error(`no answer within ${this.#options.timeoutMs} ms`));
      return;
    }
    const { failed } = outcome;
    if (isReply(failed) && !isReply(failed, UNWELL)) this.#options.events.failed(failed);
    else this.#down(failed);
  };

  heard(head: Buffer): void {
    this.#heardAt = performance.now();
    this.#options.events.time(timeIn(head));
    if (head.length <= EPOCH_AT) return;
    const epoch = Buffer.from(head.subarray(EPOCH_AT));
    const shared = this.#options.keys()?.shared;
    // Another organization's counters are others.
    if (this.#epoch && this.#epochOf === shared && !this.#epoch.equals(epoch)) this.#emptied(epoch);
    this.#epoch = epoch;
    this.#epochOf = shared;
  }

  inDoubt(reservationId: string): void {
    this.#options.events.inDoubt(reservationId);
  }

  close(): void {
    // Nobody is to be told of the end that is wanted.
    this.#wasToldDown = true;
    this.#isClosed = true;
    clearInterval(this.#probing);
    this.#options.client.disconnect();
  }

  /** In a later phase of the loop: after a stall of this process, what had come in the meantime is heard first. */
  #watch(): void {
    setImmediate(() => this.#look());
  }

  #look(): void {
    if (this.#isClosed) return;
    if (this.#options.client.status === "end") this.#connectAgain();
    const silent = performance.now() - this.#heardAt;
    if (!this.#away && silent > SILENT_MS) this.#down(new Error(`no answer for ${SILENT_MS} ms`));
    if (this.#away && silent > SILENT_MS && this.#options.client.status === "ready") {
      // What was sent on it may be carried out yet; nothing more is sent on it.
      this.#heardAt = performance.now();
      this.#options.client.disconnect(true);
      return;
    }
    if (this.#away || silent > PROBE_MS) void this.#probe();
  }

  /** The library gives up where an attempt ends in a way that it does not expect; a store that is away may come back. */
  #connectAgain(): void {
    this.#options.client.connect().catch((cause: unknown) => {
      if (!(cause instanceof Error)) throw cause;
      this.#connection = cause;
    });
  }

  /** Ask whether the server can do what is needed, and is quick enough to be asked by callers. */
  async #probe(): Promise<void> {
    const { client, scripts, keys, timeoutMs } = this.#options;
    const of = keys();
    if (!of || this.#isProbing || client.status !== "ready") return;
    this.#isProbing = true;
    const started = performance.now();
    try {
      const [head] = await this.run(scripts.probe, [of.shared, of.probe(this.#probes++)], [Buffer.alloc(8)]);
      if (!Buffer.isBuffer(head)) throw new TypeError("a reply of another form");
      this.heard(head);
      // Nothing is counted there, and something was.
      if (head.length === EPOCH_AT && this.#epoch && this.#epochOf === of.shared) this.#emptied(undefined);
      if (performance.now() - started <= timeoutMs) this.#up();
      else this.told("late");
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      this.#down(cause);
    } finally {
      this.#isProbing = false;
    }
  }

  #emptied(epoch: Buffer | undefined): void {
    this.#epoch = epoch;
    this.#options.events.emptied();
  }

  #up(): void {
    this.#late = 0;
    this.#connection = undefined;
    if (!this.#away) return;
    this.#away = undefined;
    this.#wasToldDown = false;
    this.#options.events.up();
  }

  #down(cause: unknown): void {
    this.#away = { kind: "away", cause };
    if (this.#wasToldDown) return;
    this.#wasToldDown = true;
    this.#options.events.down(cause);
  }
}
