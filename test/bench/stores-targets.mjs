import { FEW_PRINCIPALS, MANY_PRINCIPALS, MOST_IN_FLIGHT } from "./redis-figures.mjs";
import { median } from "./statistics.mjs";
import { IN_DIRECTORY, IN_PROCESS, IN_REDIS, NO_COUNTERS } from "./stores.mjs";
import { drivenMedian, drivenRatio } from "./stores-summary.mjs";
import { ratioOf, select } from "./summary.mjs";

/**
 * @typedef {import("./stores.mjs").StoreFigures} StoreFigures
 * @typedef {import("./targets.mjs").Target} Target
 * @typedef {Omit<Target, "met" | "bound">} Ceiling all of these are at most so much.
 */

const ONE = /** @type {const} */ ({ door: "unary", connections: 1, inFlight: 1, pace: "saturation" });
const MANY = /** @type {const} */ ({ door: "unary", connections: 4, inFlight: 16 });
/** Most that Redis may take for a step, by its own account. */
const REDIS_US = { reserve: 30, settle: 25 };
const STEPS = /** @type {const} */ (["reserve", "settle"]);
const BUSY = { inFlight: MOST_IN_FLIGHT, principals: FEW_PRINCIPALS };

/**
 * Hold what was measured of the homes of counters against what this project has set itself.
 *
 * @param {StoreFigures} stores
 * @returns {readonly Ceiling[]}
 */
export function storeCeilings(stores) {
  const { memory } = stores;
  return [
    serverCpu(stores, { ...MANY, pace: "saturation" }, IN_DIRECTORY, 1.1),
    serverCpu(stores, { ...MANY, pace: "saturation" }, IN_REDIS, 2.2),
    serverCpu(stores, { ...MANY, pace: "half" }, IN_REDIS, 2.2),
    wait(stores, "p50Us", "an empty script's"),
    wait(stores, "reserveP50Us", "a bare EVALSHA's of the same script"),
    ...STEPS.map((step) => scriptTime(stores, step)),
    ...STEPS.map((step) => redisCpu(stores, step, { ...BUSY, mostGathered: 1 }, "each call alone")),
    ...STEPS.map((step) => redisCpu(stores, step, BUSY, "gathered")),
    ...STEPS.flatMap((step) => [growth(stores, step, "nodeUs"), growth(stores, step, "redisUs")]),
    ...memory.map(({ thing, bytes }) =>
      thing === "reservation"
        ? { what: "Redis: an open reservation", target: 300, value: bytes, unit: "bytes" }
        : { what: "Redis: a principal", target: 250, value: bytes, unit: "bytes" },
    ),
  ];
}

/**
 * @param {StoreFigures} stores
 * @param {import("./rounds.mjs").Cell} cell
 * @param {string} home
 * @param {number} target
 * @returns {Ceiling}
 */
function serverCpu({ measured }, cell, home, target) {
  const value = ratioOf(measured, "cpuUs", { ...cell, contestant: home }, { ...cell, contestant: IN_PROCESS });
  const load = cell.pace === "half" ? "at half load" : "at full load";
  return { what: `counters ${home}, 4x16 ${load}: server CPU`, target, value, unit: "of in process" };
}

/**
 * What a decision with Redis takes longer than an empty call and a script together.
 *
 * @param {StoreFigures} stores
 * @param {"p50Us" | "reserveP50Us"} script
 * @param {string} named
 * @returns {Ceiling}
 */
function wait({ measured, bare }, script, named) {
  const excess = bare.map((one) => {
    const p50Of = (/** @type {string} */ contestant) =>
      select(measured, { ...ONE, contestant }).find(({ round }) => round === one.round)?.p50Us ?? Number.NaN;
    return p50Of(IN_REDIS) - p50Of(NO_COUNTERS) - one[script];
  });
  const what = `counters in Redis, 1x1: p50 above an empty call's and ${named}`;
  return { what, target: 50, value: median(excess), unit: "us" };
}

/**
 * @param {StoreFigures} stores
 * @param {"reserve" | "settle"} step
 * @returns {Ceiling}
 */
function scriptTime({ driven }, step) {
  const shape = { inFlight: 1, principals: FEW_PRINCIPALS, mostGathered: 1 };
  const value = drivenMedian(driven, shape, step, "scriptUs");
  return { what: `Redis: the script of a ${step}, one at a time`, target: REDIS_US[step], value, unit: "us" };
}

/**
 * @param {StoreFigures} stores
 * @param {"reserve" | "settle"} step
 * @param {import("./redis-figures.mjs").DriveShape} shape
 * @param {string} how
 * @returns {Ceiling}
 */
function redisCpu({ driven }, step, shape, how) {
  const value = drivenMedian(driven, shape, step, "redisUs");
  const what = `Redis: CPU of a ${step}, ${shape.inFlight} in flight, ${how}`;
  return { what, target: REDIS_US[step], value, unit: "us" };
}

/**
 * No more, but for what two runs of the same differ by.
 *
 * @param {StoreFigures} stores
 * @param {"reserve" | "settle"} step
 * @param {"nodeUs" | "redisUs"} column
 * @returns {Ceiling}
 */
function growth({ driven }, step, column) {
  const shapes = { above: { ...BUSY, principals: MANY_PRINCIPALS }, below: BUSY };
  const whose = column === "nodeUs" ? "Node" : "Redis";
  const what = `${whose}: CPU of a ${step}, ten times the principals`;
  return { what, target: 1.1, value: drivenRatio(driven, shapes, step, column), unit: "of 1,000 principals'" };
}
