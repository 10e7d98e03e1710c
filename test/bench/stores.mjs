// Where the counters live: in the process, in a directory, in Redis. The same questions, side by side in one run.
import { fileURLToPath } from "node:url";
import { emptyHandler, newFolder, policyForDoors, windbreak } from "./contestants.mjs";
import { lackingRedis } from "./machine.mjs";
import { SERVER_CORE, start } from "./process.mjs";
import { ratelimit } from "./ratelimit.mjs";
import { callBare, driveStore, measureRedisMemory } from "./redis-figures.mjs";
import { startRedis } from "./redis-process.mjs";
import { measureRound } from "./rounds.mjs";

/**
 * @typedef {import("./contestants.mjs").Contestant} Contestant
 * @typedef {import("./redis-process.mjs").RedisProcess} RedisProcess
 * @typedef {import("./rounds.mjs").Cell} Cell
 *
 * @typedef {object} StoreSizes
 * @property {import("./rounds.mjs").Timing} timing of the doors.
 * @property {import("./redis-figures.mjs").DriveTiming} drive
 * @property {{ reservations: number, principals: number }} memory
 *
 * @typedef {object} StoreFigures
 * @property {string | undefined} lacking why nothing was measured with Redis.
 * @property {readonly import("./rounds.mjs").Measurement[]} measured
 * @property {readonly (import("./redis-figures.mjs").BareOutcome & { round: number })[]} bare scripts without the store.
 * @property {readonly import("./redis-figures.mjs").DriveFigure[]} driven
 * @property {readonly import("./redis-figures.mjs").RedisMemoryFigure[]} memory
 */

export const IN_PROCESS = "in process";
export const IN_DIRECTORY = "in a directory";
export const IN_REDIS = "in Redis";
export const EACH_ALONE = "in Redis, each call alone";
export const NO_COUNTERS = "empty handler";

const GATHERING_SERVER = fileURLToPath(new URL("gathering-server.mjs", import.meta.url));
/** Each server with its counters in Redis has a database of its own there; envoyproxy/ratelimit has the first. */
const DATABASE = { served: 1, alone: 2 };
/** A machine that pauses for longer than the service waits by default would have it decide without its counters. */
const STORE_TIMEOUT = "1s";

/** @type {readonly Cell[]} */
const CELLS = [
  { door: "unary", connections: 1, inFlight: 1, pace: "saturation" },
  { door: "unary", connections: 4, inFlight: 16, pace: "saturation" },
  { door: "unary", connections: 4, inFlight: 16, pace: "half" },
];

/**
 * Measure all homes of counters, Redis where it is installed.
 *
 * @param {{ rounds: number, sizes: StoreSizes, nodeFlags: readonly string[], withPeers: boolean }} plan
 * @param {(line: string) => void} say
 * @returns {Promise<StoreFigures>}
 */
export async function measureStores({ rounds, sizes, nodeFlags, withPeers }, say) {
  const lacking = lackingRedis();
  if (lacking !== undefined) say(lacking);
  const redis = lacking === undefined ? await startRedis() : undefined;
  try {
    const peers = withPeers && redis ? [await ratelimit(redis, say)] : [];
    const contestants = [...withoutRedis(nodeFlags, redis), ...(redis ? withRedis(nodeFlags, redis) : []), ...peers];
    const measured = [];
    const bare = [];
    const driven = [];
    for (let round = 1; round <= rounds; round++) {
      say(`where counters live, round ${round} of ${rounds}`);
      measured.push(...(await measureRound({ contestants, cells: CELLS, timing: sizes.timing }, round)));
      if (!redis) continue;
      bare.push({ round, ...(await callBare(redis, sizes.drive)) });
      driven.push(...(await driveStore(redis, sizes.drive, round)));
    }
    return { lacking, measured, bare, driven, memory: redis ? await measureRedisMemory(redis, sizes.memory) : [] };
  } finally {
    await redis?.stop();
  }
}

/**
 * @param {readonly string[]} nodeFlags
 * @param {RedisProcess | undefined} redis
 * @returns {readonly Contestant[]}
 */
function withoutRedis(nodeFlags, redis) {
  // All are offered what the one that can do least of them can bear.
  const pacer = redis ? IN_REDIS : IN_PROCESS;
  return [
    { ...emptyHandler(nodeFlags), name: NO_COUNTERS, pacer },
    { ...windbreak({ name: IN_PROCESS, nodeFlags }), pacer },
    { ...windbreak({ name: IN_DIRECTORY, nodeFlags, flags: () => ["--state", newFolder("state")] }), pacer },
  ];
}

/**
 * @param {readonly string[]} nodeFlags
 * @param {RedisProcess} redis
 * @returns {readonly Contestant[]}
 */
function withRedis(nodeFlags, redis) {
  const common = { pacer: IN_REDIS, store: redis };
  const served = windbreak({
    name: IN_REDIS,
    nodeFlags,
    flags: async () => {
      await empty(redis, DATABASE.served);
      return ["--redis", `redis://127.0.0.1:${redis.port}/${DATABASE.served}`, "--store-timeout", STORE_TIMEOUT];
    },
  });
  return [
    { ...served, ...common },
    {
      ...served,
      ...common,
      name: EACH_ALONE,
      start: async (port) => {
        const database = DATABASE.alone;
        await empty(redis, database);
        /** @type {import("./gathering-server.mjs").GatheringTask} */
        const task = { policyFile: policyForDoors(), port, redisPort: redis.port, database, mostGathered: 1 };
        return start(SERVER_CORE, ["node", ...nodeFlags, GATHERING_SERVER, JSON.stringify(task)]);
      },
    },
  ];
}

/**
 * Take away what an earlier round left.
 *
 * @param {RedisProcess} redis
 * @param {number} database
 */
async function empty({ client }, database) {
  await client.select(database);
  await client.flushdb();
}
