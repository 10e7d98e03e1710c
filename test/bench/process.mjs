import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { CAN_PIN } from "./machine.mjs";

/** The server has one core and the load another, so that neither waits for the other's turn. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
/** Where the system puts it: for loads so light that nobody waits for a core. */
export const ANY_CORE = undefined;

const STOP_MS = 5_000;
const MOST_HEARD = 16_384;
/** /proc counts CPU time in hundredths of a second (USER_HZ) on every architecture that Node runs on. */
const MICROSECONDS_A_TICK = 10_000;

/**
 * Start a program on one core, its output piped to us.
 *
 * @param {number | undefined} core
 * @param {readonly [string, ...string[]]} argv
 * @param {Record<string, string>} [env] besides our own.
 */
export function start(core, argv, env = {}) {
  const isPinned = CAN_PIN && core !== ANY_CORE;
  const [program, ...args] = isPinned ? /** @type {const} */ (["taskset", "-c", String(core), ...argv]) : argv;
  return spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
}

/**
 * Listen to what a program says, and let it never wait for us.
 *
 * @param {import("node:stream").Readable} output
 * @returns {() => string} all that it has said, of a long speech the end.
 */
export function hear(output) {
  let said = "";
  output.setEncoding("utf8").on("data", (text) => {
    said = (said + text).slice(-MOST_HEARD);
  });
  return () => said;
}

/**
 * Run a program on one core to its end.
 *
 * @param {number | undefined} core
 * @param {readonly [string, ...string[]]} argv
 * @returns {Promise<string>} its stdout.
 * @throws where it failed.
 */
export async function run(core, argv) {
  const child = start(core, argv);
  const stdout = hear(child.stdout);
  const stderr = hear(child.stderr);
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${argv[0]} ended with ${code ?? signal}: ${stdout()}${stderr()}`);
  return stdout();
}

/**
 * Ask a process to end, and wait for it.
 *
 * @param {import("node:child_process").ChildProcess} child
 */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/**
 * Read the CPU time that a process has taken, all threads, user and system.
 *
 * @param {number} pid
 * @returns {number} microseconds, in steps of 10 ms.
 */
export function cpuMicroseconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The program's name stands in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_A_TICK;
}

/**
 * Read the memory that a process has in RAM.
 *
 * @param {number} pid
 * @returns {number} MiB.
 */
export function residentMib(pid) {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

/** Find a TCP port of loopback that is free now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
