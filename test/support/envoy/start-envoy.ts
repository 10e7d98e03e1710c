import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { askUntil } from "../redis/deadlines.js";
import { endAfterwards } from "../redis/ending.js";
import { freePort } from "../redis/free-port.js";
import { ServerProcess } from "../redis/server-process.js";
import { pathOf } from "./at-hand.js";
import { type Bootstrap, movedBootstrap } from "./bootstrap.js";

/** What a busy machine may take for a start. The first look at Windbreak's health, at most a second, is part of it. */
const START_MS = 20_000;
const READY = /starting workers/;
const IN_USE = /Address already in use/;
const TRIES = 10;
/** What its log says besides the usual. Faults of the configuration come with all of it, in lines without a level. */
const FAULT = /\]\[(warning|error|critical)\]|^: |^error/;
const LISTENER: Readonly<Record<Bootstrap, string>> = { sidecar: "127.0.0.1:10000", gateway: "0.0.0.0:10443" };

/** An Envoy to start, with a bootstrap as it is shipped but for its addresses and paths. */
export interface EnvoyOptions {
  readonly version: string;
  readonly bootstrap: Bootstrap;
  /** Where the other side of each cluster is, by the address that the bootstrap has: `api.mistral.ai:443`. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Where each file is, by the path that the bootstrap has. */
  readonly files: Readonly<Record<string, string>>;
  /** Envoy's log level; `info` when left out. */
  readonly logLevel?: "trace" | "debug" | "info" | "warning";
}

/** A running Envoy. */
export interface Envoy {
  /** Of its one listener, on 127.0.0.1. */
  readonly port: number;
  /** The Unix socket of its admin interface. */
  readonly admin: string;
  /** What it has logged. */
  readonly lines: readonly string[];
  readonly isAlive: boolean;
  /** Pause it, let it go on, or end it. */
  kill(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL" | "SIGTERM"): Promise<void>;
  /** End it for good and remove its directory. Once more does nothing. */
  stop(): Promise<void>;
}

/**
 * Start an Envoy. Resolves when it accepts calls; it ends after the test, or after the file where no test runs.
 *
 * @throws Error with what it said, where it does not start.
 */
export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const { version, bootstrap, logLevel = "info" } = options;
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const { directory, config, admin } = await written(options, port);
    const args = ["--config-path", config, "--disable-hot-restart", "--concurrency", "1", "--log-level", logLevel];
    const life = await ServerProcess.spawn(pathOf({ kind: "envoy", version }), args, directory);
    const stop = async () => {
      await life.kill("SIGKILL");
      await rm(directory, { recursive: true, force: true });
    };
    endAfterwards(stop);
    const begun = await life.beginning(READY, START_MS);
    if (begun.kind === "said") {
      // Said before its workers have taken up the listener.
      await askUntil(
        START_MS,
        () => accepts(port),
        (isOpen) => isOpen,
      );
      return {
        port,
        admin,
        lines: life.lines,
        get isAlive() {
          return life.isAlive;
        },
        kill: (signal) => life.kill(signal),
        stop,
      };
    }
    await stop();
    const said = begun.lines.filter((line) => FAULT.test(line)).join("\n");
    if (tries === TRIES || !IN_USE.test(said)) throw new Error(`Envoy ${version} (${bootstrap}) ended:\n${said}`);
  }
}

/** Have Envoy judge a bootstrap without running it. @returns what it said. @throws Error with that, where it refuses. */
export async function validated(options: EnvoyOptions): Promise<string> {
  const { directory, config } = await written(options, 1);
  endAfterwards(() => rm(directory, { recursive: true, force: true }));
  const run = promisify(execFile);
  const envoy = pathOf({ kind: "envoy", version: options.version });
  const { stdout, stderr } = await run(envoy, ["--mode", "validate", "--config-path", config], { timeout: START_MS });
  return stdout + stderr;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Refused: not yet.
    socket.once("error", () => resolve(false));
  });
}

async function written({ bootstrap, addresses, files }: EnvoyOptions, port: number) {
  const directory = await mkdtemp(join(tmpdir(), "envoy-"));
  const admin = join(directory, "admin.sock");
  const config = join(directory, "bootstrap.yaml");
  const text = movedBootstrap(bootstrap, {
    addresses: { [LISTENER[bootstrap]]: `127.0.0.1:${port}`, ...addresses },
    files: { "/run/envoy/admin.sock": admin, ...files },
  });
  await writeFile(config, text);
  return { directory, config, admin };
}
