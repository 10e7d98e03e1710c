// A process of its own: fills a memory store through its port, and says on stdout what each thing takes.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { built } from "./built.mjs";
import { CLAIMANT, everydayCall, USAGE } from "./everyday.mjs";
import { benchPolicy } from "./policy.mjs";

/** @type {typeof import("../../src/counters/memory/memory-store.js")} */
const { MemoryStore } = await built("counters/memory/memory-store.js");
/** @type {typeof import("../../src/counters/memory/secure-random.js")} */
const { secureRandom24 } = await built("counters/memory/secure-random.js");

/** @typedef {import("../../src/app/ports.js").Account} Account */
/** @typedef {InstanceType<typeof MemoryStore>} Store */

/** No day ends while this runs. */
const MORNING = Date.UTC(2026, 5, 15, 6);
/** Open reservations come so fast, and end at as many instants as they would. */
const BUSY_STEP_MS = 1;
/** Principals come so fast where they come over a day. */
const CALM_STEP_MS = 50;
/** Open reservations belong to so many. */
const OWNERS = 100;
/** A closed reservation is remembered for ten minutes. */
const FORGOTTEN_MS = 601_000;
/** Enough turns for what is held weakly to go. */
const CALLS_IN_A_TURN = 1_000;
/** The service sweeps ten times as much in this time. */
const SWEPT_IN_A_STEP = 100;

/** @type {import("./memory.mjs").MemoryTask} */
const { thing, ids, count } = JSON.parse(process.argv[2] ?? "{}");

const ttl = thing === "reservation" ? "1h" : "1m";
const { calendar, caller, alike } = everydayCall(benchPolicy({ ttl }));
let now = MORNING;

/**
 * @param {Store} store
 * @param {Account} account
 */
function reserve(store, account) {
  const requestId = ids === "caller" ? flat(randomUUID()) : "";
  const result = store.reserve({ ...alike, account, requestId, now, calendar });
  assert(result.kind === "admitted");
  return result.grant.reservationId;
}

/**
 * As a decoder makes it: characters in one piece, not a rope of joined strings.
 *
 * @param {string} text
 */
function flat(text) {
  return Buffer.from(text, "latin1").toString("latin1");
}

/**
 * @param {Store} store
 * @param {number} index
 */
function account(store, index) {
  return store.open(caller(index));
}

/**
 * Bytes in the JavaScript heap and outside it, array buffers included. What is held weakly goes between turns of the
 * event loop only, as it does in a server, where each call is a turn of its own.
 */
async function taken() {
  for (let pass = 0; pass < 3; pass++) {
    await setImmediate();
    global.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function openReservations() {
  const store = new MemoryStore(secureRandom24());
  const owners = Array.from({ length: OWNERS }, (_, index) => account(store, index));
  for (const owner of owners) reserve(store, owner);
  const before = await taken();
  for (let made = 0; made < count; made++) {
    now += BUSY_STEP_MS;
    const owner = owners[made % OWNERS];
    assert(owner);
    reserve(store, owner);
  }
  const bytes = ((await taken()) - before) / count;
  assert.equal(store.stats(now).open, OWNERS + count);
  return { bytes };
}

/** Principals that come over hours: what they held for minutes is held by others after them. */
async function countersOfADay() {
  const store = new MemoryStore(secureRandom24());
  settle(store, reserve(store, account(store, 0)));
  const before = await taken();
  for (let index = 1; index <= count; index++) {
    now += CALM_STEP_MS;
    settle(store, reserve(store, account(store, index)));
    store.sweep(SWEPT_IN_A_STEP, calendar, now);
    if (index % CALLS_IN_A_TURN === 0) await setImmediate();
  }
  now += FORGOTTEN_MS;
  while (store.stats(now).remembered > 0) store.sweep(count, calendar, now);
  const bytes = ((await taken()) - before) / count;
  assert(store.stats(now).counters >= 2 * count, "every principal still has its counters");
  return bytes;
}

/** Principals that all came within ten minutes: each one's last reservation is remembered, and the account with it. */
async function countersOfARush() {
  const store = new MemoryStore(secureRandom24());
  settle(store, reserve(store, account(store, 0)));
  const before = await taken();
  for (let index = 1; index <= count; index++) settle(store, reserve(store, account(store, index)));
  const bytes = ((await taken()) - before) / count;
  assert.equal(store.stats(now).remembered, 1 + count);
  return bytes;
}

/**
 * @param {Store} store
 * @param {string} reservationId
 */
function settle(store, reservationId) {
  const name = { reservationId };
  const result = store.settle({ name, claimant: CLAIMANT, usage: USAGE, outcome: "succeeded", now, calendar });
  assert(result.kind === "settled" && !result.already);
}

const outcome =
  thing === "reservation"
    ? await openReservations()
    : { bytes: await countersOfADay(), bytesInARush: await countersOfARush() };
process.stdout.write(`${JSON.stringify(outcome)}\n`);
