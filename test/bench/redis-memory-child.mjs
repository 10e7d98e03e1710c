// A process of its own: fills a Redis through the store's port, and says on stdout what each thing takes there.
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { built } from "./built.mjs";
import { CLAIMANT, everydayCall, USAGE } from "./everyday.mjs";
import { benchPolicy } from "./policy.mjs";
import { redisBytes, redisClient } from "./redis-process.mjs";
import { redisStore } from "./redis-store.mjs";

/** @type {typeof import("../../src/counters/redis/keys.js")} */
const { Keys } = await built("counters/redis/keys.js");

/** Open reservations belong to so many. */
const OWNERS = 100;
const AT_ONCE = 500;
/** Long enough for Redis to have moved all keys into a table that has grown. */
const STILL_MS = 500;

/** @type {import("./redis-figures.mjs").RedisMemoryTask} */
const { port, thing, count } = JSON.parse(process.argv[2] ?? "{}");

const client = redisClient(port);
await client.flushall();
const store = redisStore(client);
const { calendar, caller, alike } = everydayCall(benchPolicy({ ttl: "1h", own: "concurrent_requests" }));
const keys = new Keys("acme");

/** @param {number} index */
async function reserve(index) {
  const account = store.open(caller(index));
  const result = await store.reserve({ ...alike, account, requestId: "", now: Date.now(), calendar });
  assert(result.kind === "admitted");
  return result.grant.reservationId;
}

/** @param {string} reservationId */
async function settle(reservationId) {
  const name = { reservationId };
  const claim = { name, claimant: CLAIMANT, usage: USAGE, outcome: /** @type {const} */ ("succeeded") };
  const result = await store.settle({ ...claim, now: Date.now(), calendar });
  assert(result.kind === "settled" && !result.already);
}

/**
 * @param {(index: number) => Promise<unknown>} one
 * @param {number} first
 * @param {number} end
 */
async function forAll(one, first, end) {
  for (let at = first; at < end; at += AT_ONCE) {
    const length = Math.min(AT_ONCE, end - at);
    await Promise.all(Array.from({ length }, (_, nth) => one(at + nth)));
  }
}

async function taken() {
  await wait(STILL_MS);
  return redisBytes(client);
}

async function openReservations() {
  await forAll(reserve, 0, OWNERS);
  const before = await taken();
  await forAll((index) => reserve(index % OWNERS), 0, count);
  return ((await taken()) - before) / count;
}

/** What each principal leaves once its reservation is settled and forgotten. */
async function countersOfPrincipals() {
  const settled = async (/** @type {number} */ index) => settle(await reserve(index));
  await forAll(settled, 0, AT_ONCE);
  await forget();
  const before = await taken();
  for (let first = AT_ONCE; first < AT_ONCE + count; first += AT_ONCE) {
    await forAll(settled, first, Math.min(first + AT_ONCE, AT_ONCE + count));
    await forget();
  }
  const bytes = ((await taken()) - before) / count;
  assert.equal(await client.dbsize(), AT_ONCE + count + 1, "one hash for each principal, and the shared one");
  return bytes;
}

/** Take away the records that would be gone after ten minutes, and the day's totals, which are no principal's alone. */
async function forget() {
  for (const match of [keys.records, `${keys.shared.slice(0, -1)}t:*`]) {
    for await (const found of client.scanStream({ match, count: AT_ONCE })) {
      if (found.length > 0) await client.del(...found);
    }
  }
}

/** @type {import("./redis-figures.mjs").RedisMemoryOutcome} */
const outcome = { bytes: await (thing === "reservation" ? openReservations() : countersOfPrincipals()) };
client.disconnect();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
