import { assertSizes } from "./answers.mjs";
import { AUTHORIZE_STREAM, launch } from "./contestants.mjs";
import { h2load } from "./h2load.mjs";
import { cpuMicroseconds, LOAD_CORE, residentMib, run } from "./process.mjs";
import { quantile } from "./statistics.mjs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** @typedef {import("./contestants.mjs").Contestant} Contestant */
/** @typedef {import("./contestants.mjs").Running} Running */

/**
 * What is measured of every contestant in every round.
 *
 * `half`: at half the rate that the first contestant reached in the same round at the same shape; a peer, at half its own.
 * @typedef {{ door: "unary" | "stream", connections: number, inFlight: number, load: "saturation" | "half" }} Cell
 *
 * @typedef {object} Figures
 * @property {number} perSecond decisions.
 * @property {number} p50Us
 * @property {number} p99Us
 * @property {number} cpuUs of the server, user and system, for a decision.
 * @property {number} residentMib of the server at the end.
 * @property {number} decisions that the server has made since its start.
 * @property {number} [driverBusy] how much of its core the stream's driver used; h2load does not say.
 *
 * @typedef {Cell & Figures & { contestant: string, round: number }} Measurement
 *
 * @typedef {{ warmUpMs: number, settleMs: number, measureMs: number }} Timing `warmUpMs`: for a fresh server to be
 *   compiled; `settleMs`: before each measurement.
 */
