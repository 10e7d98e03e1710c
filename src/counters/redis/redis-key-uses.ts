import type { KeptUses, KeyUseStore } from "../../app/key-use-ports.js";
import type { Away, Clock } from "../../app/ports.js";
import { keyOfName, nameOfKey, type SeenUse, USES_KEPT_MS } from "../../domain/key-use.js";
import type { Millis } from "../../domain/units.js";
import type { Keys } from "./keys.js";
import type { ScriptServer } from "./script-server.js";
import type { Script } from "./scripts.js";

export interface RedisKeyUsesOptions {
  readonly server: Pick<ScriptServer, "away" | "run">;
  readonly script: Script;
  /** Of the organization in force; undefined: none is yet. */
  readonly keys: () => Keys | undefined;
  readonly clock: Clock;
}

/** Nobody waits for it but the admin port and the end of the process: late is away. */
const ANSWER_MS: Millis = 2_000;
/** Of these a call of the script takes the server a millisecond or less. */
const MOST_AT_ONCE = 500;

/** The last uses of keys that all replicas saw, in a hash of their organization that ends by itself. */
export class RedisKeyUses implements KeyUseStore {
  readonly #options: RedisKeyUsesOptions;

  constructor(options: RedisKeyUsesOptions) {
    this.#options = options;
  }

  async keep(uses: readonly SeenUse[]): Promise<{ readonly kind: "kept" } | Away> {
    // Without any the script is called too: it writes down since when uses are kept.
    for (let from = 0; from === 0 || from < uses.length; from += MOST_AT_ONCE) {
      const part = uses.slice(from, from + MOST_AT_ONCE);
      const args = part.flatMap(({ key, at }) => [nameOfKey(key), String(at)]);
      const reply = await this.#ask("keep", args);
      if ("kind" in reply) return reply;
    }
    return { kind: "kept" };
  }

  async read(): Promise<KeptUses | Away> {
    const reply = await this.#ask("read", []);
    if ("kind" in reply) return reply;
    const [since, ...pairs] = reply.map(String);
    const uses: SeenUse[] = [];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const key = keyOfName(pairs[at] ?? "");
      if (key) uses.push({ key, at: Number(pairs[at + 1]) });
    }
    const oldest = this.#options.clock.now() - USES_KEPT_MS;
    return { kind: "uses", since: Math.max(Number(since), oldest), uses };
  }

  async #ask(how: "keep" | "read", args: readonly string[]): Promise<readonly unknown[] | Away> {
    const { server, script, keys: keysNow } = this.#options;
    const [away, keys] = [server.away(), keysNow()];
    if (away) return away;
    if (!keys) return { kind: "away", cause: new Error("no policy is in force yet") };
    const answer = server.run(script, [keys.uses], [String(USES_KEPT_MS), how, ...args]);
    try {
      return await Promise.race([answer, late()]);
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      return { kind: "away", cause };
    }
  }
}

function late(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS).unref();
  });
}
