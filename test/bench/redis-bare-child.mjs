// A process of its own: calls scripts without the store, one call at a time, and says on stdout how long that takes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { everydayCall } from "./everyday.mjs";
import { benchPolicy } from "./policy.mjs";
import { redisClient } from "./redis-process.mjs";
import { captureReserve } from "./redis-store.mjs";
import { quantile } from "./statistics.mjs";

/** @typedef {() => Promise<unknown>} Call */

/** @type {import("./redis-figures.mjs").BareTask} */
const { port, warmCalls, measureMs } = JSON.parse(process.argv[2] ?? "{}");
const NOTHING = "return ''";
/** So many calls of one script are made before the other has its turn. */
const TURN_CALLS = 200;

const client = redisClient(port);
await client.flushall();
/** @type {{ nothing: number[], reserve: number[] }} */
const latenciesUs = { nothing: [], reserve: [] };
/** @type {{ nothing: Call, reserve: Call }} */
const calls = { nothing: await callNothing(), reserve: await callReserve() };
for (let made = 0; made < warmCalls; made += TURN_CALLS) await takeTurns();
latenciesUs.nothing = [];
latenciesUs.reserve = [];
const end = performance.now() + 2 * measureMs;
while (performance.now() < end) await takeTurns();
client.disconnect();
/** @type {import("./redis-figures.mjs").BareOutcome} */
const outcome = { p50Us: quantile(latenciesUs.nothing, 0.5), reserveP50Us: quantile(latenciesUs.reserve, 0.5) };
process.stdout.write(`${JSON.stringify(outcome)}\n`);

/** @returns {Promise<Call>} */
async function callNothing() {
  await client.script("LOAD", NOTHING);
  const sha = createHash("sha1").update(NOTHING).digest("hex");
  return () => client.evalsha(sha, 1, "a key");
}

/**
 * The same reservation again and again, as the service's first would be sent.
 *
 * @returns {Promise<Call>}
 */
async function callReserve() {
  const { calendar, caller, alike } = everydayCall(benchPolicy({ ttl: "1s" }));
  const asked = { ...alike, requestId: "", now: Date.now(), calendar };
  const { script, keys, args } = await captureReserve((store) => ({ ...asked, account: store.open(caller(0)) }));
  await client.script("LOAD", script.source);
  const [, admitted] = /** @type {unknown[]} */ (await client.evalsha(script.sha, keys.length, ...keys, ...args));
  assert(String(admitted).startsWith("A"), String(admitted));
  return () => client.evalsha(script.sha, keys.length, ...keys, ...args);
}

async function takeTurns() {
  for (const what of /** @type {const} */ (["nothing", "reserve"])) {
    for (let made = 0; made < TURN_CALLS; made++) {
      const begun = performance.now();
      await calls[what]();
      latenciesUs[what].push((performance.now() - begun) * 1000);
    }
  }
}
