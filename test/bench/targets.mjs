import { envoyTargets } from "./envoy-targets.mjs";
import { identityTargets } from "./identity-targets.mjs";
import { storeCeilings } from "./stores-targets.mjs";
import { ratioOf } from "./summary.mjs";

/**
 * @typedef {import("./report.mjs").Results} Results
 * @typedef {{ what: string, bound: "at least" | "at most", target: number, value: number, unit: string, met: boolean }} Target
 */

const WINDBREAK = { contestant: "windbreak" };
const EMPTY = { contestant: "empty handler" };
const UNARY = /** @type {const} */ ({ door: "unary" });
const STREAM = /** @type {const} */ ({ door: "stream" });
const SATURATION = /** @type {const} */ ({ pace: "saturation" });
const HALF = /** @type {const} */ ({ pace: "half" });

/**
 * Hold what was measured against what this project has set itself. What was not measured is left out.
 *
 * @param {Results} results
 * @returns {readonly Target[]}
 */
export function targets(results) {
  const { memory, compile, stores, identity, envoy } = results;
  const others = [...(identity ? identityTargets(identity) : []), ...(envoy ? envoyTargets(envoy) : [])];
  const all = [
    unaryRate(results),
    ...[shape(1, 1), shape(4, 4), shape(4, 16)].map((each) => unaryTail(results, each)),
    streamRate(results, shape(4, 16), 1.6),
    streamRate(results, shape(1, 16), 3),
    ...memory.filter(({ thing }) => thing === "reservation").map(({ ids, bytes }) => openReservation(ids, bytes)),
    ...memory.filter(({ thing }) => thing === "principal").map(({ ids, bytes }) => counterSet(ids, bytes)),
    ...compile.filter(({ principals }) => principals === 10_000).map(({ compileMs }) => compileTime(compileMs)),
    ...(stores ? storeCeilings(stores) : []).map(({ what, target, value, unit }) => atMost(target, value, what, unit)),
    ...others.map(({ what, bound, target, value, unit }) =>
      bound === "at least" ? atLeast(target, value, what, unit) : atMost(target, value, what, unit),
    ),
  ];
  return all.filter(({ value }) => !Number.isNaN(value));
}

/**
 * @param {number} connections
 * @param {number} inFlight
 */
function shape(connections, inFlight) {
  return { connections, inFlight };
}

/** @typedef {ReturnType<typeof shape>} Shape */

/** @param {Shape} shape */
function named({ connections, inFlight }) {
  return `${connections}x${inFlight}`;
}

/** @param {Results} results */
function unaryRate({ measured }) {
  const cell = { ...UNARY, ...shape(4, 16), ...SATURATION };
  const ratio = ratioOf(measured, "perSecond", { ...cell, ...WINDBREAK }, { ...cell, ...EMPTY });
  return atLeast(0.85, ratio, "unary 4x16: decisions/s", "of the empty handler's");
}

/**
 * @param {Results} results
 * @param {Shape} each
 */
function unaryTail({ measured }, each) {
  const cell = { ...UNARY, ...each, ...HALF };
  const ratio = ratioOf(measured, "p99Us", { ...cell, ...WINDBREAK }, { ...cell, ...EMPTY });
  return atMost(1.5, ratio, `unary ${named(each)} at half load: p99`, "of the empty handler's");
}

/**
 * @param {Results} results
 * @param {Shape} each
 * @param {number} target
 */
function streamRate({ measured }, each, target) {
  const cell = { ...each, ...SATURATION, ...WINDBREAK };
  const ratio = ratioOf(measured, "perSecond", { ...cell, ...STREAM }, { ...cell, ...UNARY });
  return atLeast(target, ratio, `stream ${named(each)}: decisions/s`, "of unary's");
}

/**
 * @param {string} ids
 * @param {number} bytes
 */
function openReservation(ids, bytes) {
  return atMost(300, bytes, `an open reservation, request_id by the ${ids}`, "bytes");
}

/**
 * @param {string} ids
 * @param {number} bytes
 */
function counterSet(ids, bytes) {
  return atMost(500, bytes, `a principal's counters, request_id by the ${ids}`, "bytes");
}

/** @param {number} ms */
function compileTime(ms) {
  return atMost(1000, ms, "a policy of 10,000 principals, from bytes", "ms");
}

/**
 * @param {number} target
 * @param {number} value
 * @param {string} what
 * @param {string} unit
 * @returns {Target}
 */
function atLeast(target, value, what, unit) {
  return { what, bound: "at least", target, value, unit, met: value >= target };
}

/**
 * @param {number} target
 * @param {number} value
 * @param {string} what
 * @param {string} unit
 * @returns {Target}
 */
function atMost(target, value, what, unit) {
  return { what, bound: "at most", target, value, unit, met: value <= target };
}
