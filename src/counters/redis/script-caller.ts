import { Cluster } from "ioredis";
import { isReply, listIn, type RedisClient, runScript, send } from "./client.js";
import type { FunctionLibrary } from "./function-library.js";
import { ScriptCommand } from "./script-command.js";
import type { Script } from "./scripts.js";

export interface ScriptCallerOptions {
  readonly client: RedisClient;
  readonly library: FunctionLibrary;
  /** Told once why functions are not used. */
  readonly refused: (cause: unknown) => void;
}

/** A server that was given the library this lately and still does not know it keeps none. */
const LOADED_MS = 1_000;
const UNKNOWN = /^ERR Function not found\b/;
/** An older server, or a user that may not. */
const REFUSED = /^NOPERM\b.*\b(?:fcall|function)|^ERR (?:unknown|unsupported) (?:sub)?command/i;

/**
 * Calls scripts: as functions of the library where the server takes them, which costs it a quarter less, else by name.
 *
 * Nothing waits for a library: a server that does not know it is sent it on the side, and the call itself goes on as a
 * script. So does every call of a server that refuses functions, until the next connection.
 */
export class ScriptCaller {
  readonly #options: ScriptCallerOptions;
  #functions: "used" | "being loaded" | "refused" = "used";
  #loadedAt = Number.NEGATIVE_INFINITY;
  #wasToldRefused = false;

  constructor(options: ScriptCallerOptions) {
    this.#options = options;
    // Another server may stand there now, or this one may have been set up anew.
    options.client.on("ready", () => {
      this.#functions = "used";
    });
  }

  /** Call a script once. Rejects where it was not run, and where nobody knows. */
  async run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<readonly unknown[]> {
    const { client } = this.#options;
    const { functionName } = script;
    if (functionName === undefined || this.#functions !== "used") return runScript(client, script, keys, args);
    try {
      return listIn(await send(client, new ScriptCommand("fcall", functionName, keys, args)));
    } catch (cause) {
      // Nothing was done.
      if (isReply(cause, UNKNOWN)) this.#load(cause);
      else if (isReply(cause, REFUSED)) this.#refuse(cause);
      else throw cause;
      return runScript(client, script, keys, args);
    }
  }

  /** Send the library to every server that may be asked. One that has it already says so, and that is well. */
  #load(cause: unknown): void {
    const { client, library } = this.#options;
    if (this.#functions !== "used") return;
    if (performance.now() - this.#loadedAt < LOADED_MS) {
      this.#refuse(cause);
      return;
    }
    this.#functions = "being loaded";
    const servers = client instanceof Cluster ? client.nodes("master") : [client];
    void Promise.allSettled(servers.map((server) => server.call("FUNCTION", "LOAD", library.source))).then((sent) => {
      this.#loadedAt = performance.now();
      const refusal = sent.find((one) => one.status === "rejected" && isReply(one.reason, REFUSED));
      if (refusal?.status === "rejected") this.#refuse(refusal.reason);
      else this.#functions = "used";
    });
  }

  #refuse(cause: unknown): void {
    this.#functions = "refused";
    if (this.#wasToldRefused) return;
    this.#wasToldRefused = true;
    this.#options.refused(cause);
  }
}
