import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { loadPolicy } from "../../src/policy/load-policy.js";
import { afterwards, connect, temporaryDirectory } from "./running-service.js";

const BUILT = join(import.meta.dirname, "../../dist/main.js");
/** What a busy machine may take for a start, or for an end. */
const DEADLINE_MS = 15_000;

/** How a process ended, and all that it said. */
export interface Ended {
  /** null: a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: readonly string[];
}

interface SpawnOptions {
  /** The program; the built one when left out. */
  readonly main?: string | undefined;
  /** As whom it runs; as the tests themselves when left out. */
  readonly uid?: number | undefined;
  /** How many files it may open; as many as the tests themselves when left out. */
  readonly openFiles?: number | undefined;
  /** All that its environment holds; nothing when left out. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** For node, before the program. */
  readonly nodeFlags?: readonly string[] | undefined;
}

/** Wait for something that must come. @throws Error naming it where it does not come in time. */
export async function within<T>(ms: number, what: string, coming: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([coming, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Run a command of the built program to its end. */
export function runToEnd(args: readonly string[], options: SpawnOptions = {}): Promise<Ended> {
  return new Said(args, options).ended();
}

/** Start a command of the built program, told nothing but this. It ends with the test at the latest. */
export function startCommand(args: readonly string[], options: SpawnOptions = {}) {
  const said = new Said(args, options);
  return {
    line: said.line.bind(said),
    ended: said.ended.bind(said),
    kill: (signal: NodeJS.Signals) => said.child.kill(signal),
  };
}

/** A started process and the lines that it writes to stderr. */
class Said {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly #end: Promise<Ended>;
  readonly #listening = new Set<() => void>();

  constructor(args: readonly string[], { main = BUILT, uid, openFiles, env = {}, nodeFlags = [] }: SpawnOptions = {}) {
    const command = args.slice(0, 2).join(" ");
    const limit = openFiles === undefined ? "" : `ulimit -n ${openFiles} && `;
    const child = spawn("/bin/sh", ["-c", `${limit}exec "$0" "$@"`, process.execPath, ...nodeFlags, main, ...args], {
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid === undefined ? {} : { uid }),
    });
    this.child = child;
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.lines.push(line);
      for (const tell of this.#listening) tell();
    });
    this.#end = new Promise((resolve, reject) => {
      child.once("error", (cause) => reject(new Error(`${command} could not be started`, { cause })));
      child.once("close", (code, signal) => {
        resolve({ code, signal, stdout, stderr: this.lines });
        for (const tell of this.#listening) tell();
      });
    });
    afterwards(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await this.#end;
    });
  }

  ended(): Promise<Ended> {
    return within(DEADLINE_MS, `the end of the process\n${this.lines.join("\n")}\n`, this.#end);
  }

  /** The first line that matches, from the start on or still to come. */
  line(pattern: RegExp, ms = DEADLINE_MS): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = this.lines.map((line) => pattern.exec(line)).find((one) => one !== null);
        if (match) resolve(match);
        else if (this.child.exitCode !== null) reject(new Error(`it ended first:\n${this.lines.join("\n")}`));
        else return;
        this.#listening.delete(look);
      };
      this.#listening.add(look);
      look();
    });
    return within(ms, `a line like ${pattern}`, found);
  }
}

interface StartOptions extends SpawnOptions {
  /** Where the policy is; a file with the text given when left out. */
  readonly file?: string;
  readonly listen?: string;
  /** Empty: it is not told. */
  readonly admin?: string;
  /** What else it is told. */
  readonly flags?: readonly string[];
}

/** Serve a policy by the built program, and wait until it says that it does. */
export async function startProcess(policy: string, options: StartOptions = {}) {
  const {
    file = policyFile(policy),
    listen = "127.0.0.1:0",
    admin = "localhost:0",
    flags = [],
    main,
    uid,
    openFiles,
    env,
    nodeFlags,
  } = options;
  const told = ["--policy", file, "--listen", listen, ...(admin === "" ? [] : ["--admin", admin])];
  const said = new Said(["serve", ...told, "--log-format", "text", ...flags], { main, uid, openFiles, env, nodeFlags });
  // The last thing that it says of its start.
  await said.line(/counters live in/);
  const address = (await said.line(/ listening on (\S+)/))[1] ?? "";
  const adminPort = /admin port on http:\/\/(\S+)/.exec(said.lines.join("\n"))?.[1] ?? "";
  return {
    file,
    /** As bound: a port of 0 has become the one that was free. */
    address,
    adminPort,
    client: connect(address),
    lines: said.lines,
    line: said.line.bind(said),
    ended: said.ended.bind(said),
    /** Another reader may stop reading what the process writes there, or go away. */
    stdout: said.child.stdout,
    kill: (signal: NodeJS.Signals) => said.child.kill(signal),
    /** Ask the admin port. */
    get: async (path: string) => {
      const response = await fetch(`http://${adminPort}${path}`, { signal: AbortSignal.timeout(DEADLINE_MS) });
      return { status: response.status, text: await response.text() };
    },
  };
}

export type RunningProcess = Awaited<ReturnType<typeof startProcess>>;

/** Write a policy to a file of its own. */
export function policyFile(policy: string): string {
  const file = join(temporaryDirectory(), "policy.yaml");
  writeFileSync(file, policy);
  return file;
}

/** What decisions by this policy name it by. @throws Error where it is at fault. */
export function revisionOf(policy: string): string {
  const loaded = loadPolicy(Buffer.from(policy), "policy.yaml");
  if (loaded.kind === "faulty") throw new Error(JSON.stringify(loaded.faults));
  return loaded.policy.revision;
}
