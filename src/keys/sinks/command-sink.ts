import { type ChildProcess, spawn } from "node:child_process";
import type { SecretSink } from "../../app/key-ports.js";
import type { SinkPlace } from "../../domain/keys-file.js";
import type { Millis } from "../../domain/units.js";
import { isRefusal } from "../read-file.js";
import { type Found, failed, type Stored } from "./outcomes.js";

type Place = Extract<SinkPlace, { kind: "command" }>;

export interface CommandOptions {
  readonly timeoutMs: Millis;
  readonly variable: (name: string) => string | undefined;
}

/** What a program needs to find others, its files and its language. No other variable reaches it: they may hold secrets. */
const PASSED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

type Ended =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "late" }
  | { readonly kind: "unstarted"; readonly code: string };

/**
 * Hands a secret to a program on its standard input, without a newline behind it. No shell reads the command.
 *
 * What the program prints goes nowhere: it may say the secret. An exit of 0 is taken for stored.
 */
export class CommandSink implements SecretSink {
  readonly place: string;
  readonly #argv: Place["argv"];
  readonly #options: CommandOptions;

  constructor({ argv }: Place, options: CommandOptions) {
    this.place = `command ${argv[0]}`;
    this.#argv = argv;
    this.#options = options;
  }

  async store(secret: string): Promise<Stored> {
    const ended = await this.#run(secret);
    if (ended.kind === "exit" && ended.code === 0) return { kind: "stored" };
    return failed(`${this.place} ${this.#whyNot(ended)}`);
  }

  async read(): Promise<Found> {
    return { kind: "unreadable", why: `${this.place} gives nothing back` };
  }

  #run(secret: string): Promise<Ended> {
    const [program, ...args] = this.#argv;
    return new Promise((resolve) => {
      // A group of its own, so that what it started in turn ends with it.
      const child = spawn(program, args, { detached: true, env: this.#env(), stdio: ["pipe", "ignore", "ignore"] });
      const timer = setTimeout(() => {
        endGroup(child);
        resolve({ kind: "late" });
      }, this.#options.timeoutMs);
      const ended = (how: Ended) => {
        clearTimeout(timer);
        resolve(how);
      };
      child.once("error", (error) => ended({ kind: "unstarted", code: isRefusal(error) ? error.code : error.name }));
      child.once("exit", (code, signal) => {
        ended(code === null ? { kind: "signal", signal: String(signal) } : { kind: "exit", code });
      });
      // A program that reads nothing is judged by its exit.
      child.stdin.on("error", () => {});
      child.stdin.end(secret);
    });
  }

  #env(): Record<string, string> {
    return Object.fromEntries(
      PASSED.flatMap((name) => {
        const value = this.#options.variable(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  #whyNot(ended: Ended): string {
    switch (ended.kind) {
      case "exit":
        return `ended with ${ended.code}; run it by hand to see what it says, for nothing of that is kept`;
      case "signal":
        return `was ended by ${ended.signal}; run it by hand to see why`;
      case "late":
        return `had not ended after ${this.#options.timeoutMs} ms and was killed; make it quicker: whether it stored the key is not known`;
      case "unstarted":
        return `cannot be started (${ended.code}); give the path of a program that this account may run`;
    }
  }
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It ended by itself in between.
    if (!isRefusal(error) || error.code !== "ESRCH") throw error;
  }
}
