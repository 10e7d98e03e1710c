import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { askUntil } from "./deadlines.js";
import { endAfterwards } from "./ending.js";
import { freePort } from "./free-port.js";
import { ServerProcess } from "./server-process.js";

/** What a busy machine may take for a start. */
const START_MS = 15_000;
const READY = /Ready to accept connections|Sentinel ID is/;
const IN_USE = /Address already in use|Failed listening on port/;
const TRIES = 20;

/** What a Redis is started as. */
export interface RedisOptions {
  /** `redis-server` when left out. */
  readonly binary?: "redis-server" | "redis-sentinel" | "valkey-server";
  /** As on its command line; they come after the defaults, so that they win: `["--appendonly", "yes"]`. */
  readonly flags?: readonly string[];
  /** A free one when left out. */
  readonly port?: number;
}

/** How a server is started once a port and a directory are chosen. */
export interface Start {
  readonly binary: string;
  /** Free ones are tried until one binds when undefined. */
  readonly port: number | undefined;
  readonly argsFor: (port: number, directory: string) => Promise<readonly string[]>;
}

interface Lasting {
  readonly binary: string;
  readonly port: number;
  readonly directory: string;
  readonly args: readonly string[];
}

/**
 * Start a Redis or a Valkey of its own on 127.0.0.1: without persistence, unless the flags say so, in a temporary
 * directory. Resolves when it answers PING; it is ended after the test, or after the file where no test runs.
 *
 * @throws Error with what it said, where it does not start.
 */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { binary = "redis-server", flags = [], port } = options;
  const argsFor = async (chosen: number, directory: string) => [
    ...["--port", String(chosen), "--bind", "127.0.0.1", "--dir", directory],
    ...["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", ...flags],
  ];
  return RedisServer.start({ binary, port, argsFor });
}

/** A real server, over its lives: it keeps its port and its directory when it is started again. */
export class RedisServer {
  readonly port: number;
  readonly directory: string;
  readonly #lasting: Lasting;
  #life: ServerProcess;

  private constructor(lasting: Lasting, life: ServerProcess) {
    this.port = lasting.port;
    this.directory = lasting.directory;
    this.#lasting = lasting;
    this.#life = life;
  }

  /** Start one and wait until it answers. @throws Error with what it said, where it does not start. */
  static async start({ binary, port: asked, argsFor }: Start): Promise<RedisServer> {
    for (let tries = 1; ; tries += 1) {
      const port = asked ?? (await freePort());
      const directory = await mkdtemp(join(tmpdir(), "redis-"));
      const args = await argsFor(port, directory);
      const life = await ServerProcess.spawn(binary, args, directory);
      const server = new RedisServer({ binary, port, directory, args }, life);
      endAfterwards(() => server.stop());
      const faults = await server.#begun();
      if (faults === undefined) return server;
      await server.stop();
      if (asked !== undefined || tries === TRIES || !IN_USE.test(faults)) {
        throw new Error(`${binary} ${args.join(" ")} ended at once:\n${faults}`);
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Of its present life. */
  get pid(): number {
    return this.#life.pid;
  }

  get isAlive(): boolean {
    return this.#life.isAlive;
  }

  /** What it has logged in its present life. */
  get lines(): readonly string[] {
    return this.#life.lines;
  }

  /** Send one command by a connection of its own. @throws Error as the server words it, or where it is away. */
  async send(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const client = new Redis({
      host: "127.0.0.1",
      port: this.port,
      lazyConnect: true,
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      commandTimeout: START_MS,
    });
    // Told by the rejection too.
    client.on("error", () => {});
    try {
      await client.connect();
      return await client.call(command, ...args.map(String));
    } finally {
      client.disconnect();
    }
  }

  /** Pause it, let it go on, or end it without a last word. Resolves once that has happened. */
  kill(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): Promise<void> {
    return this.#life.kill(signal);
  }

  /** End it in an orderly way, so that it persists what it is told to persist; its directory stays. */
  shutDown(): Promise<void> {
    return this.#life.kill("SIGTERM");
  }

  /**
   * Start it again on the same port: with what it persisted, so without persistence empty. One that still lives is
   * shut down first. @throws Error with what it said, where it does not start.
   */
  async restart(): Promise<void> {
    await this.shutDown();
    const { binary, args, directory } = this.#lasting;
    this.#life = await ServerProcess.spawn(binary, args, directory);
    const faults = await this.#begun();
    if (faults !== undefined) throw new Error(`the restart on port ${this.port} failed:\n${faults}`);
  }

  /** End it for good and remove its directory. Once more does nothing. */
  async stop(): Promise<void> {
    await this.#life.kill("SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }

  /** What it said where it ended instead of answering. */
  async #begun(): Promise<string | undefined> {
    const begun = await this.#life.beginning(READY, START_MS);
    if (begun.kind === "ended") return begun.lines.join("\n");
    await askUntil(
      START_MS,
      () => this.send("PING"),
      (answer) => answer === "PONG",
    );
    return undefined;
  }
}
