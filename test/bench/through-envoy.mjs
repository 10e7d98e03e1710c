// What Windbreak adds to a call through Envoy: the same Envoy with and without the two filters, by turns.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { counted, withClient } from "./answers.mjs";
import { makeCertificate } from "./certificates.mjs";
import { newFolder } from "./contestants.mjs";
import { startEnvoy } from "./envoy-process.mjs";
import { guardedService } from "./guarded-service.mjs";
import { ANY_CORE, freePort, hear, run, start, stop } from "./process.mjs";
import { until } from "./until.mjs";

/**
 * @typedef {{ perSecond: number, measureMs: number }} Pace
 * @typedef {{ round: number, isGuarded: boolean, p50Us: number, p99Us: number }} ThroughFigure
 */

const CALLS = fileURLToPath(new URL("paced-calls.mjs", import.meta.url));
const MISTRAL = fileURLToPath(new URL("mistral-server.mjs", import.meta.url));
const CHAT = "/v1/chat/completions";
/** As mistral-server.mjs says. */
const TOKENS_A_CALL = 680;

/**
 * Start all that stands around a call.
 *
 * @param {{ nodeFlags: readonly string[] }} options
 */
export async function startThrough({ nodeFlags }) {
  const folder = newFolder("through");
  const { certificate, key } = makeCertificate(`${folder}/mistral`, { name: "DNS:api.mistral.ai" });
  const mistralPort = await freePort();
  /** @type {(() => Promise<void>)[]} */
  const ends = [];
  try {
    const mistral = start(ANY_CORE, ["node", MISTRAL, String(mistralPort), certificate, key]);
    ends.push(() => stop(mistral));
    const service = guardedService({ nodeFlags, ttl: "15m", core: ANY_CORE });
    const windbreak = service.start();
    const complaint = hear(windbreak.stderr);
    hear(windbreak.stdout);
    ends.push(() => stop(windbreak));
    await until(() => existsSync(service.own) && existsSync(service.envoys));
    const places = { windbreak: service.envoys, mistralPort, rootFile: certificate, folder };
    const guarded = await startEnvoy({ name: "guarded", isGuarded: true, ...places });
    ends.push(guarded.stop);
    const bare = await startEnvoy({ name: "bare", isGuarded: false, ...places });
    ends.push(bare.stop);
    return { guarded: guarded.port, bare: bare.port, own: service.own, complaint, stop: () => endAll(ends) };
  } catch (cause) {
    await endAll(ends);
    throw cause;
  }
}

/** @typedef {Awaited<ReturnType<typeof startThrough>>} Through */

/**
 * Measure calls through both Envoys, once; every second round in reverse.
 *
 * @param {Through} through
 * @param {Pace} pace
 * @param {number} round from 1.
 * @returns {Promise<readonly ThroughFigure[]>}
 */
export async function measureThrough(through, pace, round) {
  const order = round % 2 === 1 ? [true, false] : [false, true];
  const figures = [];
  for (const isGuarded of order) {
    const { p50Us, p99Us } = await (isGuarded ? callGuarded(through, pace) : callThrough(through.bare, pace));
    figures.push({ round, isGuarded, p50Us, p99Us });
  }
  assert.equal(through.complaint(), "", "Windbreak has nothing to complain of");
  return figures;
}

/**
 * Have all programs compiled.
 *
 * @param {Through} through
 * @param {Pace} pace
 */
export async function warmThrough({ guarded, bare }, pace) {
  await callThrough(bare, pace, { isWarmUp: true });
  await callThrough(guarded, pace, { isWarmUp: true });
}

/**
 * See besides that each call was reserved and settled by the usage in its answer.
 *
 * @param {Through} through
 * @param {Pace} pace
 */
async function callGuarded({ guarded, own }, pace) {
  const target = { port: 0, socket: own, path: "", bodyFile: "" };
  return withClient(target, async (client) => {
    const spent = async () => (await counted(client)).get("roles.developer.tokens_per_day") ?? 0;
    const before = await spent();
    const outcome = await callThrough(guarded, pace, { reason: "allowed" });
    await until(async () => (await spent()) - before === outcome.calls * TOKENS_A_CALL);
    return outcome;
  });
}

/**
 * @param {number} port
 * @param {Pace} pace
 * @param {{ reason?: string, isWarmUp?: boolean }} [wanted]
 * @returns {Promise<import("./paced-calls.mjs").Outcome>}
 */
async function callThrough(port, pace, { reason, isWarmUp = false } = {}) {
  /** @type {import("./paced-calls.mjs").Task} */
  const task = { port, path: CHAT, reason, isWarmUp, ...pace };
  return JSON.parse(await run(ANY_CORE, ["node", CALLS, JSON.stringify(task)]));
}

/** @param {(() => Promise<void>)[]} ends */
async function endAll(ends) {
  for (const end of ends.toReversed()) await end();
}
