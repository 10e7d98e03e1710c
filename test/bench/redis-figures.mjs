import { fileURLToPath } from "node:url";
import { run, SERVER_CORE } from "./process.mjs";

/**
 * @typedef {import("./redis-process.mjs").RedisProcess} RedisProcess
 *
 * @typedef {{ warmCalls: number, measureMs: number }} DriveTiming `warmCalls`: before anything counts.
 *
 * Calls of scripts without the store, one at a time: one that does nothing, and that of a reservation.
 * @typedef {DriveTiming & { port: number }} BareTask
 * @typedef {{ p50Us: number, reserveP50Us: number }} BareOutcome
 *
 * Reservations through the store's port, then their settlements.
 * @typedef {{ mostGathered?: number, inFlight: number, principals: number }} DriveShape `mostGathered`: how many calls
 *   share a script call at the most; the store's own choice when left out.
 * @typedef {DriveShape & DriveTiming & { port: number }} DriveTask
 *
 * @typedef {object} Phase
 * @property {number} perSecond
 * @property {number} p50Us
 * @property {number} nodeUs CPU of the driving process for one decision, a transport left out.
 * @property {number} redisUs CPU of Redis for one decision.
 * @property {number} scriptUs time of Redis in scripts for one decision.
 * @property {number} perCall decisions that shared a script call.
 *
 * @typedef {{ reserve: Phase, settle: Phase }} DriveOutcome
 * @typedef {DriveShape & DriveOutcome & { round: number }} DriveFigure
 *
 * @typedef {{ port: number, thing: "reservation" | "principal", count: number }} RedisMemoryTask
 * @typedef {{ bytes: number }} RedisMemoryOutcome
 * @typedef {Omit<RedisMemoryTask, "port"> & RedisMemoryOutcome} RedisMemoryFigure
 */

export const FEW_PRINCIPALS = 1_000;
export const MANY_PRINCIPALS = 10_000;
const GATHERED = [1, 8, 16, 32, 64];
const IN_FLIGHT = [1, 16, 64];
export const MOST_IN_FLIGHT = 64;

/**
 * What is driven: each number of calls in flight alone and gathered as the store does it; at the most in flight, other
 * bounds too, and ten times the principals.
 *
 * @type {readonly DriveShape[]}
 */
const SHAPES = [
  ...IN_FLIGHT.flatMap((inFlight) =>
    GATHERED.filter((most) => inFlight === MOST_IN_FLIGHT || most === 1 || most === 16).map((mostGathered) => ({
      mostGathered,
      inFlight,
      principals: FEW_PRINCIPALS,
    })),
  ),
  { inFlight: MOST_IN_FLIGHT, principals: FEW_PRINCIPALS },
  { inFlight: MOST_IN_FLIGHT, principals: MANY_PRINCIPALS },
];

/**
 * Drive the store in each shape, once, each in a fresh process and on an empty Redis.
 *
 * @param {RedisProcess} redis
 * @param {DriveTiming} timing
 * @param {number} round from 1; every second one goes in reverse.
 * @returns {Promise<readonly DriveFigure[]>}
 */
export async function driveStore({ port }, timing, round) {
  /** @type {DriveFigure[]} */
  const figures = [];
  for (const shape of round % 2 === 1 ? SHAPES : SHAPES.toReversed()) {
    /** @type {DriveTask} */
    const task = { ...shape, ...timing, port };
    /** @type {DriveOutcome} */
    const outcome = await child("redis-drive-child.mjs", task);
    figures.push({ ...shape, ...outcome, round });
  }
  return figures;
}

/**
 * Measure a round trip of a script that does nothing, and of a reservation's, without the store.
 *
 * @param {RedisProcess} redis
 * @param {DriveTiming} timing
 * @returns {Promise<BareOutcome>}
 */
export function callBare({ port }, timing) {
  /** @type {BareTask} */
  const task = { ...timing, port };
  return child("redis-bare-child.mjs", task);
}

/**
 * Measure what Redis keeps for each open reservation and each principal.
 *
 * @param {RedisProcess} redis
 * @param {{ reservations: number, principals: number }} counts
 * @returns {Promise<readonly RedisMemoryFigure[]>}
 */
export async function measureRedisMemory({ port }, { reservations, principals }) {
  /** @type {RedisMemoryFigure[]} */
  const figures = [];
  for (const thing of /** @type {const} */ (["reservation", "principal"])) {
    const count = thing === "reservation" ? reservations : principals;
    /** @type {RedisMemoryTask} */
    const task = { thing, count, port };
    /** @type {RedisMemoryOutcome} */
    const { bytes } = await child("redis-memory-child.mjs", task);
    figures.push({ thing, count, bytes });
  }
  return figures;
}

/**
 * @param {string} file
 * @param {object} task
 * @returns {Promise<any>} what it says; who asks says its type.
 */
async function child(file, task) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return JSON.parse(await run(SERVER_CORE, ["node", path, JSON.stringify(task)]));
}
