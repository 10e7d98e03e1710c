import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:http2";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AUTHORIZE, launch, windbreak } from "./contestants.mjs";
import { cpuMicroseconds, residentMib } from "./process.mjs";
import { unaryBody } from "./question.mjs";
import { quantile } from "./statistics.mjs";

/**
 * @typedef {{ calls: number, p50Us: number, p99Us: number, worstUs: number }} Honest what one caller saw that asks at a fixed rate.
 * @typedef {{ attack: string, before: Honest, during: Honest, cpuShare: number, grownMib: number }} AbuseFigure
 */

const HOSTILE = fileURLToPath(new URL("hostile-peer.mjs", import.meta.url));
const PER_SECOND = 200;
/** What each hostile peer is told, and whether it only holds things open. */
const ATTACKS = [
  { name: "10,000 idle connections", task: { attack: "idle", connections: 9_900, calls: 1 }, holds: true },
  { name: "1,000 resets a second", task: { attack: "resets", connections: 1, calls: 1e9, perSecond: 1_000 } },
  { name: "a flood of pings", task: { attack: "pings", connections: 1, calls: 1e9 } },
  { name: "a flood of SETTINGS", task: { attack: "settings", connections: 1, calls: 1e9 } },
  { name: "4,000 half-sent calls", task: { attack: "half_sent", connections: 4, calls: 1_000 }, holds: true },
];

/**
 * Measure what an honest caller sees before an attack and during it, each on a fresh server.
 *
 * @param {{ measureMs: number, nodeFlags: readonly string[] }} options
 * @param {(line: string) => void} say
 * @returns {Promise<readonly AbuseFigure[]>}
 */
export async function measureAbuse({ measureMs, nodeFlags }, say) {
  /** @type {AbuseFigure[]} */
  const figures = [];
  for (const { name, task, holds = false } of ATTACKS) {
    say(`abuse: ${name}`);
    const server = await launch({ ...windbreak({ name: "windbreak", nodeFlags }), isSilent: false });
    const { port } = server.target;
    await askHonestly(port, measureMs);
    const before = await askHonestly(port, measureMs);
    const resident = residentMib(server.pid);
    const child = spawn(process.execPath, [HOSTILE, JSON.stringify({ ...task, port })], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (holds) await once(createInterface({ input: child.stdout }), "line");
    else child.stdout.resume();
    const cpu = cpuMicroseconds(server.pid);
    const during = await askHonestly(port, measureMs);
    const cpuShare = (cpuMicroseconds(server.pid) - cpu) / (measureMs * 1000);
    figures.push({ attack: name, before, during, cpuShare, grownMib: residentMib(server.pid) - resident });
    child.kill("SIGKILL");
    await server.stop();
  }
  return figures;
}

/**
 * Ask at a fixed rate on one connection, whether the answers before have come or not.
 *
 * @param {number} port
 * @param {number} ms
 * @returns {Promise<Honest>}
 * @throws where a call is not answered with OK.
 */
async function askHonestly(port, ms) {
  const session = connect(`http://127.0.0.1:${port}`);
  await once(session, "connect");
  const body = unaryBody();
  const begun = performance.now();
  const calls = [];
  for (let made = 0; made < (ms / 1000) * PER_SECOND; made++) {
    const early = begun + (made / PER_SECOND) * 1000 - performance.now();
    if (early > 0) await wait(early);
    calls.push(ask(session, body));
  }
  const us = await Promise.all(calls);
  session.close();
  return { calls: us.length, p50Us: quantile(us, 0.5), p99Us: quantile(us, 0.99), worstUs: quantile(us, 1) };
}

/**
 * @param {import("node:http2").ClientHttp2Session} session
 * @param {Buffer} body
 * @returns {Promise<number>} microseconds.
 */
function ask(session, body) {
  const sentAt = performance.now();
  const headers = { ":method": "POST", ":path": AUTHORIZE, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers);
  /** @type {unknown} */
  let status;
  stream.on("trailers", (trailers) => {
    status = trailers["grpc-status"];
  });
  stream.resume().end(body);
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("end", () => {
      if (status === "0") resolve((performance.now() - sentAt) * 1000);
      else reject(new Error(`an honest call ended with gRPC status ${status}`));
    });
  });
}
