// A process of its own: reserves and settles through the Redis store without a transport, and says on stdout how that went.
import assert from "node:assert/strict";
import { CLAIMANT, everydayCall, USAGE } from "./everyday.mjs";
import { benchPolicy } from "./policy.mjs";
import { redisClient, redisSpent } from "./redis-process.mjs";
import { redisStore } from "./redis-store.mjs";
import { quantile } from "./statistics.mjs";

/** @typedef {import("./redis-figures.mjs").Phase} Phase */

/** @type {import("./redis-figures.mjs").DriveTask} */
const { port, mostGathered, inFlight, principals, warmCalls, measureMs } = JSON.parse(process.argv[2] ?? "{}");

/** As many are in flight while nothing is measured. */
const WARM_IN_FLIGHT = 64;

const client = redisClient(port);
await client.flushall();
const store = redisStore(client, mostGathered);
const { calendar, caller, alike } = everydayCall(benchPolicy({ ttl: "15m", own: "concurrent_requests" }));
const accounts = Array.from({ length: principals }, (_, index) => store.open(caller(index)));
/** @type {string[]} */
let open = [];
let asked = 0;

async function reserve() {
  const account = accounts[asked++ % principals];
  assert(account);
  const result = await store.reserve({ ...alike, account, requestId: "", now: Date.now(), calendar });
  assert(result.kind === "admitted", JSON.stringify(result));
  open.push(result.grant.reservationId);
}

/** @param {string} reservationId */
async function settle(reservationId) {
  const name = { reservationId };
  const claim = { name, claimant: CLAIMANT, usage: USAGE, outcome: /** @type {const} */ ("succeeded") };
  const result = await store.settle({ ...claim, now: Date.now(), calendar });
  assert(result.kind === "settled" && !result.already, JSON.stringify(result));
}

/**
 * Do something again and again, so many at once, while there is cause to.
 *
 * @param {() => Promise<void> | undefined} next undefined: enough.
 * @param {number} [atOnce]
 * @returns {Promise<Phase>}
 */
async function drive(next, atOnce = inFlight) {
  /** @type {number[]} */
  const latenciesUs = [];
  const worker = async () => {
    for (;;) {
      const begun = performance.now();
      const done = next();
      if (!done) return;
      await done;
      latenciesUs.push((performance.now() - begun) * 1000);
    }
  };
  const before = { redis: await redisSpent(client), node: process.cpuUsage(), at: performance.now() };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const ms = performance.now() - before.at;
  const node = process.cpuUsage(before.node);
  const redis = await redisSpent(client);
  const count = latenciesUs.length;
  return {
    perSecond: (count / ms) * 1000,
    p50Us: quantile(latenciesUs, 0.5),
    nodeUs: (node.user + node.system) / count,
    redisUs: (redis.cpuUs - before.redis.cpuUs) / count,
    scriptUs: (redis.scriptUs - before.redis.scriptUs) / count,
    perCall: count / (redis.scriptCalls - before.redis.scriptCalls),
  };
}

/** Be compiled, and have each principal have its counters, before anything counts. */
async function warmUp() {
  const end = Math.max(warmCalls, principals);
  await drive(() => (asked < end ? reserve() : undefined), WARM_IN_FLIGHT);
  await settleAll(WARM_IN_FLIGHT);
}

/** @param {number} ms */
function reserveFor(ms) {
  const end = performance.now() + ms;
  return drive(() => (performance.now() < end ? reserve() : undefined));
}

/** @param {number} [atOnce] */
function settleAll(atOnce) {
  const ids = open;
  open = [];
  return drive(() => {
    const id = ids.pop();
    return id === undefined ? undefined : settle(id);
  }, atOnce);
}

await warmUp();
/** @type {import("./redis-figures.mjs").DriveOutcome} */
const outcome = { reserve: await reserveFor(measureMs), settle: await settleAll() };
client.disconnect();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
