import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { policyFile } from "../integration/running-process.js";
import { afterwards, connect } from "../integration/running-service.js";
import { askUntil, inTime } from "./redis/deadlines.js";

const MAIN = join(import.meta.dirname, "../../dist/main.js");
/** What a busy machine may take for a start, or for an end. */
const DEADLINE_MS = 15_000;

/** How one replica is started. */
export interface ReplicaOptions {
  /** Handed over by the environment, where a password may stand. */
  readonly redis: string;
  /** As the flag takes it; so long that only a store that is away is late when left out. */
  readonly storeTimeout?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** How far its clock is off: ms. */
  readonly clockOffMs?: number;
}

/**
 * Start the built program on the shared store and wait until the store answers it.
 *
 * @throws Error with what it said, where it ends or does not reach the store in time.
 */
export async function startReplica(policy: string, options: ReplicaOptions) {
  const { redis, storeTimeout = "2s", env = {}, clockOffMs = 0 } = options;
  const told = ["--policy", policyFile(policy), "--listen", "127.0.0.1:0", "--admin", "off", "--log-format", "text"];
  const child = spawn(process.execPath, [MAIN, "serve", ...told, "--store-timeout", storeTimeout], {
    env: { WINDBREAK_REDIS: redis, ...(clockOffMs === 0 ? {} : clockOffBy(clockOffMs)), ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  afterwards(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => void lines.push(line));
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const look = async () => {
      if (child.exitCode !== null) throw new Error(`the replica ended:\n${lines.join("\n")}`);
      return lines.map((line) => pattern.exec(line)).find((match) => match !== null);
    };
    const match = await askUntil(DEADLINE_MS, look, (found) => found !== undefined);
    if (!match) throw new Error(`no line like ${pattern}:\n${lines.join("\n")}`);
    return match;
  };
  const address = (await said(/ listening on (\S+)/))[1] ?? "";
  return {
    client: connect(address),
    lines,
    said,
    /** Resolves once it has reached the store. */
    up: () => said(/the counter store at .* answers, after/),
    /** End it without a last word. */
    kill: async () => {
      child.kill("SIGKILL");
      await inTime(DEADLINE_MS, "the end of a replica", ended);
    },
  };
}

export type Replica = Awaited<ReturnType<typeof startReplica>>;

/** Start replicas side by side, one for each set of options, all on the same store, and wait until it answers each. */
export async function startReplicas(policy: string, each: readonly ReplicaOptions[]): Promise<readonly Replica[]> {
  const replicas = await Promise.all(each.map((options) => startReplica(policy, options)));
  await Promise.all(replicas.map((replica) => replica.up()));
  return replicas;
}

/** An environment in which a process takes the time to be another. */
function clockOffBy(ms: number): Readonly<Record<string, string>> {
  const preload = `const real=Date.now;Date.now=()=>real()+${ms};`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
}
