import type { AlertMarks } from "../../app/alert-ports.js";
import type { Away } from "../../app/ports.js";
import type { Millis } from "../../domain/units.js";
import type { Keys } from "./keys.js";
import type { ScriptServer } from "./script-server.js";
import type { Script } from "./scripts.js";

export interface RedisAlertMarksOptions {
  readonly server: Pick<ScriptServer, "away" | "run">;
  readonly lease: Script;
  readonly keys: () => Keys;
  /** Unlike any other replica's. */
  readonly value: string;
}

/** Marks that all replicas share. Each is a key that ends with its window. */
export class RedisAlertMarks implements AlertMarks {
  readonly #options: RedisAlertMarksOptions;

  constructor(options: RedisAlertMarksOptions) {
    this.#options = options;
  }

  async lead(forMs: Millis): Promise<boolean | Away> {
    const key = this.#options.keys().alertLead;
    const isKept = await this.#ask(key, "keep", forMs);
    return isKept === false ? this.#ask(key, "take", forMs) : isKept;
  }

  take(id: string, forMs: Millis): Promise<boolean | Away> {
    return this.#ask(this.#options.keys().alert(id), "take", forMs);
  }

  keep(id: string, forMs: Millis): Promise<boolean | Away> {
    return this.#ask(this.#options.keys().alert(id), "keep", forMs);
  }

  async #ask(key: string, how: "take" | "keep", forMs: Millis): Promise<boolean | Away> {
    const { server, lease, value } = this.#options;
    const away = server.away();
    if (away) return away;
    try {
      const [answer] = await server.run(lease, [key], [how, value, String(Math.ceil(forMs))]);
      return String(answer) === "1";
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      return { kind: "away", cause };
    }
  }
}
