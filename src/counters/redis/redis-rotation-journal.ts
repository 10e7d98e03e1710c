import type { Away } from "../../app/ports.js";
import type { Holding, JournalRead, RotationHold, RotationJournal } from "../../app/rotation-ports.js";
import type { Millis } from "../../domain/units.js";
import type { Keys } from "./keys.js";
import type { ScriptServer } from "./script-server.js";
import type { Script } from "./scripts.js";

/** Longer than any one thing that is done between two renewals. */
const LEASE_MS: Millis = 60_000;
const ANSWER_MS: Millis = 5_000;

export interface RedisRotationJournalOptions {
  /** Where, for a person. */
  readonly place: string;
  readonly server: Pick<ScriptServer, "away" | "run">;
  readonly rotation: Script;
  readonly keys: () => Keys;
  /** Who holds what this process holds, for a person. */
  readonly who: string;
}

/** Rotations that all replicas share: a lock that ends by itself, and a number by which a late holder is known. */
export class RedisRotationJournal implements RotationJournal {
  readonly place: string;
  readonly #options: RedisRotationJournalOptions;

  constructor(options: RedisRotationJournalOptions) {
    this.place = options.place;
    this.#options = options;
  }

  async hold(workspace: string): Promise<Holding | Away> {
    const answer = await this.#ask("hold", workspace, this.#options.who, String(LEASE_MS));
    if (!Array.isArray(answer)) return answer;
    const [is, told] = answer;
    if (is !== "1" || told === undefined) return { kind: "taken", by: told };
    return { kind: "held", hold: this.#held(workspace, told) };
  }

  async look(workspace: string): Promise<JournalRead | Away> {
    const answer = await this.#ask("read", workspace);
    if (!Array.isArray(answer)) return answer;
    const text = answer[1];
    return text === undefined ? { kind: "none" } : { kind: "text", text };
  }

  #held(workspace: string, number: string): RotationHold {
    const change = async <K extends string>(kind: K, how: "write" | "keep", ...text: readonly string[]) => {
      const answer = await this.#ask(how, workspace, number, String(LEASE_MS), ...text);
      if (!Array.isArray(answer)) return answer;
      return answer[0] === "1" ? { kind } : { kind: "lost" as const };
    };
    return {
      read: () => this.look(workspace),
      write: (text) => change("written", "write", text),
      keep: () => change("kept", "keep"),
      release: async () => {
        // What does not arrive ends by itself.
        await this.#ask("release", workspace, number);
      },
    };
  }

  async #ask(how: string, workspace: string, ...args: readonly string[]): Promise<(string | undefined)[] | Away> {
    const { server, rotation, keys } = this.#options;
    const away = server.away();
    if (away) return away;
    const of = keys();
    try {
      const asked = server.run(rotation, [of.rotations, of.rotating(workspace)], [how, workspace, ...args]);
      return (await soon(asked)).map((part) => (part === null ? undefined : String(part)));
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      return { kind: "away", cause };
    }
  }
}

async function soon<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
