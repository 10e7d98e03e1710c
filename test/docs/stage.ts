import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { dieWithUs, hasDied } from "../support/redis/death-watch.js";
import { endAfterwards } from "../support/redis/ending.js";
import { freePort } from "../support/redis/free-port.js";
import { startRedis } from "../support/redis/redis-server.js";
import { furnish } from "./furniture.js";
import { ROOT } from "./markdown.js";
import { writeShims } from "./shims.js";

/** What a busy machine may take for the commands of one block. */
const DEADLINE_MS = 60_000;
/** The ports that nobody names: where `serve` listens by itself. */
const [CALLERS, ADMIN, REDIS] = [50051, 9090, 6379];

/** How a script ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * What a reader of one page has before them: a directory with the repository's files and the sample policy, `windbreak`
 * on the path, and addresses and directories of this test's own in place of those that the page names.
 *
 * A server that a block starts runs on until the page starts another in its place, or is over; what a block exports
 * holds for those after it.
 */
export class Stage {
  readonly directory: string;
  readonly #ports: Map<number, number>;
  readonly #known = new Set<number>();
  /** Real ones, in place of those that a page shows. */
  readonly #replaced = new Map<string, string>();

  private constructor(directory: string, ports: Map<number, number>) {
    this.directory = directory;
    this.#ports = ports;
  }

  /** Set one up for a page with this text. It is cleared away after the test. */
  static async open(text: string): Promise<Stage> {
    const directory = mkdtempSync(join(tmpdir(), "docs-"));
    const stage = new Stage(directory, new Map());
    endAfterwards(() => stage.#close());
    for (const name of ["dist", "node_modules", "package.json", "proto"]) {
      symlinkSync(join(ROOT, name), join(directory, name));
    }
    cpSync(join(ROOT, "deploy"), join(directory, "deploy"), { recursive: true });
    for (const place of ["run", "var", "etc"]) mkdirSync(join(directory, place));
    writeShims(join(directory, "bin"));
    await stage.#learn(text);
    await furnish(stage, text);
    return stage;
  }

  /** The port that stands for one that a page names. @throws Error where the page does not name it. */
  port(documented: number): number {
    const port = this.#ports.get(documented);
    if (port === undefined) throw new Error(`no port stands for ${documented}`);
    return port;
  }

  /** Show the page's reader this in place of that from now on. */
  replace(shown: string, real: string): void {
    this.#replaced.set(shown, real);
  }

  /** Put what is here in place of what a page names: ports of this machine, directories, ids. */
  placed(text: string): string {
    let placed = text
      .replaceAll(/(?<![\w./])\/(run|var|etc)\//g, `${this.directory}/$1/`)
      .replaceAll(/(^|[^\w.-])([\w.-]+):(\d{4,5})\b/g, (whole, before: string, host: string, port: string) => {
        const own = this.#ports.get(Number(port));
        if (own === undefined) return whole;
        return `${before}${host === "0.0.0.0" ? host : "127.0.0.1"}:${own}`;
      });
    for (const [shown, real] of this.#replaced) placed = placed.replaceAll(shown, real);
    return placed;
  }

  /** Write a file of the reader's. */
  save(file: string, text: string): void {
    const path = join(this.directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** What a file of the reader's holds; undefined where there is none. */
  read(file: string): string | undefined {
    const path = join(this.directory, file);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }

  /** Run commands as they stand on a page. Never throws for what they do. */
  async run(script: string): Promise<Ended> {
    const environment = join(this.directory, ".environment");
    const text = [
      "set -eu -o pipefail",
      `if [ -e ${environment} ]; then source ${environment}; fi`,
      `trap 'export -p > ${environment}' EXIT`,
      this.placed(script),
    ].join("\n");
    const options = {
      cwd: this.directory,
      env: this.#environment(),
      timeout: DEADLINE_MS,
      maxBuffer: 64 * 1024 * 1024,
    };
    const ended = await new Promise<Ended>((resolve) => {
      const child = execFile("bash", ["-c", text], options, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout: this.#shown(stdout), stderr: this.#shown(stderr) }),
      );
      child.stdin?.end();
    });
    for (const pid of this.#pids()) {
      if (!this.#known.has(pid)) dieWithUs(pid, this.directory);
      this.#known.add(pid);
    }
    return ended;
  }

  /** Output as the page's reader would see it. */
  #shown(text: string): string {
    return text.replaceAll(`${this.directory}/`, "/");
  }

  #environment(): NodeJS.ProcessEnv {
    const [callers, admin] = [`127.0.0.1:${this.port(CALLERS)}`, `127.0.0.1:${this.port(ADMIN)}`];
    return {
      PATH: [join(this.directory, "bin"), process.env["PATH"]].join(delimiter),
      HOME: this.directory,
      XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"],
      USER: process.env["USER"] ?? "root",
      STAGE: this.directory,
      WINDBREAK_LISTEN: callers,
      WINDBREAK_SERVER: callers,
      WINDBREAK_ADMIN: admin,
      WINDBREAK_ADMIN_SERVER: admin,
      WINDBREAK_LOG_FORMAT: "text",
    };
  }

  /** Have a port for each that the page names, and a Redis where it names that. */
  async #learn(text: string): Promise<void> {
    const named = [...text.matchAll(/(?:localhost|[\w.-]+\.example|\d+\.\d+\.\d+\.\d+):(\d{4,5})\b/g)];
    for (const port of new Set([CALLERS, ADMIN, ...named.map(([, one]) => Number(one))])) {
      this.#ports.set(port, port === REDIS ? (await startRedis()).port : await freePort());
    }
  }

  #pids(): readonly number[] {
    return (this.read(".pids") ?? "").split("\n").filter(Boolean).map(Number);
  }

  async #close(): Promise<void> {
    for (const pid of this.#pids()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
      }
      hasDied(pid);
    }
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
