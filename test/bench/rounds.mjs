import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { assertSizes } from "./answers.mjs";
import { AUTHORIZE_STREAM, launch } from "./contestants.mjs";
import { drive, startingMs } from "./load.mjs";
import { cpuMicroseconds, LOAD_CORE, residentMib, run } from "./process.mjs";
import { quantile } from "./statistics.mjs";

/**
 * @typedef {import("./contestants.mjs").Contestant} Contestant
 * @typedef {import("./contestants.mjs").Running} Running
 *
 * @typedef {"saturation" | "half"} Pace `half`: at half the rate that the contestant's pacer reached in the same round
 *   at the same shape, so that contestants of one pacer are offered the same.
 *
 * What is measured of every contestant in every round.
 * @typedef {{ door: "unary" | "stream", connections: number, inFlight: number, pace: Pace }} Cell
 *
 * @typedef {object} Figures
 * @property {number} perSecond decisions.
 * @property {number} p50Us
 * @property {number} p99Us
 * @property {number} cpuUs of the server, user and system, for one decision.
 * @property {number} residentMib of the server, at the end.
 * @property {number} answered since the server's start.
 * @property {number} [storeUs] CPU of the process that counts for the server, for one decision.
 * @property {number} [driverBusy] how much of its core the driver of this bench used, where it was one.
 *
 * @typedef {Cell & Figures & { contestant: string, round: number }} Measurement
 *
 * @typedef {object} Timing
 * @property {number} warmUpMs for a fresh server to be compiled.
 * @property {number} settleMs before each measurement.
 * @property {number} measureMs
 */

/** Load goes on for a little longer than it is measured. */
const SLACK_MS = 150;
const STREAM_DRIVER = fileURLToPath(new URL("stream-load.mjs", import.meta.url));

/**
 * Measure contestants by turns.
 *
 * @param {{ contestants: readonly Contestant[], cells: readonly Cell[], rounds: number, timing: Timing }} plan
 * @param {(line: string) => void} say told of progress.
 * @returns {Promise<readonly Measurement[]>}
 * @throws where a contestant does not answer.
 */
export async function measureRounds({ rounds, ...plan }, say) {
  /** @type {Measurement[]} */
  const measured = [];
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    measured.push(...(await measureRound(plan, round)));
  }
  return measured;
}

/**
 * Measure each contestant at each shape, once.
 *
 * Each round has servers of its own, so that none pays for what an earlier round left in its memory; and every second
 * one runs them in reverse order, so that none always comes after the others.
 *
 * @param {{ contestants: readonly Contestant[], cells: readonly Cell[], timing: Timing }} plan
 * @param {number} round from 1.
 * @returns {Promise<readonly Measurement[]>}
 * @throws where a contestant does not answer.
 */
export async function measureRound({ contestants, cells, timing }, round) {
  const order = round % 2 === 1 ? contestants : contestants.toReversed();
  /** @type {Running[]} */
  const all = [];
  /** @type {Map<Running, number>} */
  const answered = new Map();
  /** @type {Measurement[]} */
  const measured = [];
  try {
    for (const contestant of order) all.push(await launch(contestant));
    for (const running of all) answered.set(running, await warmUp(running, cells, timing));
    for (const cell of cells) {
      for (const running of all) {
        const { contestant, pid } = running;
        if (cell.door === "stream" && !contestant.streams) continue;
        const perSecond = cell.pace === "half" ? halfRate(measured, cell, contestant) : undefined;
        const figures = await measure(running, cell, timing, perSecond);
        assert.equal(running.complaint(), "", `${contestant.name} has nothing to complain of`);
        const total = (answered.get(running) ?? 0) + figures.answered;
        answered.set(running, total);
        const state = { contestant: contestant.name, residentMib: residentMib(pid), answered: total };
        measured.push({ ...cell, ...figures, ...state, round });
      }
    }
    return measured;
  } finally {
    for (const running of all) await running.stop();
  }
}

/**
 * @param {Running} running
 * @param {readonly Cell[]} cells
 * @param {Timing} timing
 * @returns {Promise<number>} how much was answered.
 */
async function warmUp(running, cells, { warmUpMs }) {
  const shape = { connections: 4, inFlight: 16 };
  const { replies } = await drive({ ...running.target, ...shape, extent: { ms: warmUpMs } });
  if (!running.contestant.streams || cells.every(({ door }) => door !== "stream")) return replies;
  const streamed = await measureStream(running, shape, { settleMs: warmUpMs / 2, measureMs: SLACK_MS });
  return replies + streamed.answered;
}

/**
 * @param {readonly Measurement[]} measured
 * @param {Cell} cell
 * @param {Contestant} contestant
 */
function halfRate(measured, { connections, inFlight }, { pacer }) {
  const saturated = measured.find(
    (one) =>
      one.contestant === pacer &&
      one.door === "unary" &&
      one.pace === "saturation" &&
      one.connections === connections &&
      one.inFlight === inFlight,
  );
  if (!saturated) throw new Error(`${connections}x${inFlight} at half is measured before it is at saturation`);
  return saturated.perSecond / 2;
}

/**
 * @param {Running} running
 * @param {Cell} cell
 * @param {Timing} timing
 * @param {number | undefined} perSecond undefined: as fast as answers come.
 * @returns {Promise<Omit<Figures, "residentMib">>}
 */
function measure(running, cell, timing, perSecond) {
  return cell.door === "unary" ? measureUnary(running, cell, timing, perSecond) : measureStream(running, cell, timing);
}

/**
 * @param {Running} running
 * @param {Cell} cell
 * @param {Timing} timing
 * @param {number | undefined} perSecond
 */
async function measureUnary({ contestant, target, pid, replyBytes }, { connections, inFlight }, timing, perSecond) {
  const { settleMs, measureMs } = timing;
  const startMs = startingMs(target.source);
  const ms = startMs + settleMs + measureMs + SLACK_MS;
  const extent = perSecond === undefined ? { ms } : { ms, perSecond };
  const { store } = contestant;
  const sample = () => ({ at: Date.now(), cpuUs: cpuMicroseconds(pid), storeUs: store && cpuMicroseconds(store.pid) });
  const watch = async () => {
    await wait(startMs + settleMs);
    const begin = sample();
    await wait(measureMs);
    return { begin, end: sample() };
  };
  const [tally, { begin, end }] = await Promise.all([drive({ ...target, connections, inFlight, extent }), watch()]);
  assertSizes(tally, replyBytes);

  const within = tally.log.filter(({ endedAt }) => endedAt >= begin.at && endedAt < end.at).map(({ us }) => us);
  return {
    perSecond: (within.length / (end.at - begin.at)) * 1000,
    p50Us: quantile(within, 0.5),
    p99Us: quantile(within, 0.99),
    cpuUs: (end.cpuUs - begin.cpuUs) / within.length,
    ...(begin.storeUs && end.storeUs ? { storeUs: (end.storeUs - begin.storeUs) / within.length } : {}),
    ...(tally.driverBusy === undefined ? {} : { driverBusy: tally.driverBusy }),
    answered: tally.replies,
  };
}

/**
 * @param {Running} running
 * @param {Pick<Cell, "connections" | "inFlight">} shape
 * @param {Pick<Timing, "settleMs" | "measureMs">} timing
 */
async function measureStream({ target, pid }, { connections, inFlight }, { settleMs, measureMs }) {
  /** @type {import("./stream-load.mjs").Task} */
  const task = {
    port: target.port,
    path: AUTHORIZE_STREAM,
    serverPid: pid,
    connections,
    inFlight,
    warmMs: settleMs,
    measureMs,
  };
  const said = await run(LOAD_CORE, ["node", STREAM_DRIVER, JSON.stringify(task)]);
  /** @type {import("./stream-load.mjs").Outcome} */
  const outcome = JSON.parse(said);
  return outcome;
}
