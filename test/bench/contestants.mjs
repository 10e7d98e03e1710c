import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkEmpty, checkWindbreak } from "./answers.mjs";
import { MAIN } from "./built.mjs";
import { benchPolicy } from "./policy.mjs";
import { freePort, hear, SERVER_CORE, start, stop } from "./process.mjs";
import { unaryBody } from "./question.mjs";

export const AUTHORIZE = "/windbreak.v1.PolicyDecisionService/Authorize";
export const AUTHORIZE_STREAM = "/windbreak.v1.PolicyDecisionService/AuthorizeStream";

/** Reservations expire soon, so that expiry is part of what is measured. */
export const TTL = "1s";
const EMPTY_SERVER = fileURLToPath(new URL("empty-server.mjs", import.meta.url));

/**
 * A server to measure.
 *
 * @typedef {object} Contestant
 * @property {string} name
 * @property {(port: number) => Child | Promise<Child>} start
 * @property {string} [socket] the Unix socket that it listens on rather than a port.
 * @property {string} path of the unary RPC.
 * @property {string} bodyFile of one unary call.
 * @property {Pick<Target, "source" | "authorization" | "tls">} [asked] how it is asked; in plain text by h2load, showing
 *   nothing, where left out.
 * @property {boolean} streams whether it serves AuthorizeStream.
 * @property {boolean} isSilent whether it says nothing on stderr while all is well. Then whatever it says is a fault.
 * @property {{ pid: number }} [store] the process that counts for it.
 * @property {string} pacer whose rate it is offered half of: its own name, or another contestant's.
 * @property {(target: Target) => Promise<ReplyBytes>} check asks it once, and again by h2load.
 *
 * @typedef {ReturnType<typeof start>} Child
 *
 * Where it is asked, and how: by which source of load, showing what.
 * @typedef {Pick<import("./load.mjs").Load, "port" | "socket" | "path" | "bodyFile" | "authorization" | "tls">
 *   & { source?: import("./load.mjs").LoadSource | undefined }} Target
 *
 * The sizes that a right reply can have, gRPC's prefix included.
 * @typedef {{ least: number, most: number }} ReplyBytes
 *
 * A contestant that runs and has answered rightly.
 * @typedef {object} Running
 * @property {Contestant} contestant
 * @property {Target} target
 * @property {number} pid
 * @property {ReplyBytes} replyBytes
 * @property {() => Promise<void>} stop
 * @property {() => string} complaint what it said that it should have had no cause to; empty: nothing.
 */

/** A folder for what contestants read; gone with this process. */
const FOLDER = mkdtempSync(join(tmpdir(), "windbreak-bench-"));
process.once("exit", () => rmSync(FOLDER, { recursive: true, force: true }));

/**
 * Put a file where contestants and h2load find it.
 *
 * @param {string} name may hold a folder.
 * @param {string | Uint8Array} content
 * @returns {string} its path.
 */
export function put(name, content) {
  const file = join(FOLDER, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/**
 * Make a folder that is there for this process only.
 *
 * @param {string} name that it begins with.
 * @returns {string} its path.
 */
export function newFolder(name) {
  return mkdtempSync(join(FOLDER, `${name}-`));
}

/**
 * The built service.
 *
 * @param {{ name: string, nodeFlags: readonly string[], flags?: () => readonly string[] | Promise<readonly string[]>,
 *   policyFile?: string, main?: string, env?: Record<string, string> }} of
 *   `flags`: of `serve`, beside those that all have; asked for at each start. `main`: of another build. `env`: besides
 *   our own environment.
 * @returns {Contestant}
 */
export function windbreak({ name, nodeFlags, flags = () => [], policyFile = policyForDoors(), main = MAIN, env = {} }) {
  return {
    name,
    ...asked(),
    streams: true,
    isSilent: true,
    pacer: "windbreak",
    start: async (port) => {
      const given = ["--policy", policyFile, "--listen", `127.0.0.1:${port}`, "--admin", "off", "--log-level", "error"];
      return start(SERVER_CORE, ["node", ...nodeFlags, main, "serve", ...given, ...(await flags())], env);
    },
    check: checkWindbreak,
  };
}

/**
 * The empty handler that the service is held against.
 *
 * @param {readonly string[]} nodeFlags
 * @returns {Contestant}
 */
export function emptyHandler(nodeFlags) {
  return {
    name: "empty handler",
    ...asked(),
    streams: true,
    isSilent: true,
    pacer: "windbreak",
    start: (port) => start(SERVER_CORE, ["node", ...nodeFlags, EMPTY_SERVER, String(port)]),
    check: checkEmpty,
  };
}

/**
 * Write the policy that every server decides by.
 *
 * @returns {string} its path.
 */
export function policyForDoors() {
  return put("policy.yaml", benchPolicy({ ttl: TTL }));
}

function asked() {
  return { path: AUTHORIZE, bodyFile: put("authorize.bin", unaryBody()) };
}

/**
 * Start a contestant and see it answer.
 *
 * @param {Contestant} contestant
 * @returns {Promise<Running>}
 * @throws where it does not, or answers wrongly.
 */
export async function launch(contestant) {
  const port = await freePort();
  const child = await contestant.start(port);
  const { pid } = child;
  hear(child.stdout);
  const stderr = hear(child.stderr);
  if (pid === undefined) throw new Error(`${contestant.name} cannot be started`);
  const { socket, path, bodyFile } = contestant;
  const target = { port, socket, path, bodyFile, ...contestant.asked };
  try {
    const replyBytes = await Promise.race([contestant.check(target), deathOf(child)]);
    const complaint = () => (contestant.isSilent ? stderr() : "");
    return { contestant, target, pid, replyBytes, stop: () => stop(child), complaint };
  } catch (cause) {
    await stop(child);
    throw new Error(`${contestant.name} did not answer as it must. It said: ${stderr() || "nothing"}`, { cause });
  }
}

/**
 * Reject when a server ends by itself, rather than wait for it in vain.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<never>}
 */
async function deathOf(child) {
  const [code, signal] = await once(child, "exit");
  throw new Error(`it ended with ${code ?? signal}`);
}
