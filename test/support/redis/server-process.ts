import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { askUntil, inTime } from "./deadlines.js";
import { dieWithUs, hasDied } from "./death-watch.js";

const END_MS = 10_000;

/** How the first part of a server's life went. */
export type Beginning = { readonly kind: "said" } | { readonly kind: "ended"; readonly lines: readonly string[] };

/** One life of a server: what it says, and how it is ended. It dies with this process. */
export class ServerProcess {
  readonly lines: string[] = [];
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #listening = new Set<() => void>();

  private constructor(child: ChildProcess, pid: number, ended: Promise<void>) {
    this.#child = child;
    this.pid = pid;
    const tellAll = () => {
      for (const tell of this.#listening) tell();
    };
    this.#ended = ended.then(() => {
      hasDied(pid);
      tellAll();
    });
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on("line", (line) => {
        this.lines.push(line);
        tellAll();
      });
    }
  }

  /** Start a program in a directory. @throws Error where it cannot be started at all. */
  static async spawn(command: string, args: readonly string[], directory: string): Promise<ServerProcess> {
    const child = spawn(command, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    if (child.pid === undefined) {
      const [cause] = await once(child, "error");
      throw new Error(`${command} could not be started`, { cause });
    }
    dieWithUs(child.pid, directory);
    return new ServerProcess(child, child.pid, ended);
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Wait until it says a line that matches, or ends. @throws Error where neither comes in time. */
  beginning(pattern: RegExp, ms: number): Promise<Beginning> {
    let look = () => {};
    const came = new Promise<Beginning>((resolve) => {
      look = () => {
        if (this.lines.some((line) => pattern.test(line))) resolve({ kind: "said" });
        else if (!this.isAlive) resolve({ kind: "ended", lines: this.lines });
      };
    });
    this.#listening.add(look);
    look();
    return inTime(ms, `a line like ${pattern}`, came).finally(() => this.#listening.delete(look));
  }

  /** Send a signal. Resolves once it has taken effect: SIGSTOP has stopped it, SIGKILL and SIGTERM have ended it. */
  async kill(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL" | "SIGTERM"): Promise<void> {
    if (!this.isAlive) return;
    this.#child.kill(signal);
    if (signal === "SIGSTOP") await this.#stopped();
    if (signal === "SIGKILL" || signal === "SIGTERM") {
      // One that is paused takes a SIGTERM only once it goes on.
      if (signal === "SIGTERM") this.#child.kill("SIGCONT");
      await inTime(END_MS, `the end of ${this.pid}`, this.#ended);
    }
  }

  /** The kernel stops a process on another core a moment after it has taken the signal. Told only where /proc is. */
  async #stopped(): Promise<void> {
    const stat = `/proc/${this.pid}/stat`;
    if (!existsSync(stat)) return;
    const state = async () => /\) (\S)/.exec(readFileSync(stat, "utf8"))?.[1] ?? "";
    await askUntil(END_MS, state, (letter) => letter === "T");
  }
}
