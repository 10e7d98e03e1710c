// Envoy's door beside the service's own, each by a Unix socket: what Envoy's question costs more than a caller's.
import { checkWindbreak } from "./answers.mjs";
import { checkGuard } from "./check-answers.mjs";
import { AUTHORIZE, put } from "./contestants.mjs";
import { checkBody } from "./envoy-question.mjs";
import { guardedService } from "./guarded-service.mjs";
import { SERVER_CORE } from "./process.mjs";
import { unaryBody } from "./question.mjs";
import { measureRound } from "./rounds.mjs";

/**
 * @typedef {import("./contestants.mjs").Contestant} Contestant
 * @typedef {import("./rounds.mjs").Cell} Cell
 */

export const AUTHORIZE_DOOR = "Authorize";
export const CHECK_DOOR = "Check";
export const CHECK = "/envoy.service.auth.v3.Authorization/Check";

/** @type {readonly Cell[]} */
const CELLS = [
  { door: "unary", connections: 1, inFlight: 1, pace: "saturation" },
  { door: "unary", connections: 4, inFlight: 16, pace: "saturation" },
];

/**
 * Measure Check beside Authorize, once: two processes of the same service, each asked at one of its doors.
 *
 * @param {{ nodeFlags: readonly string[], timing: import("./rounds.mjs").Timing }} options
 * @param {number} round from 1.
 */
export function measureDoors({ nodeFlags, timing }, round) {
  return measureRound({ contestants: [authorizeDoor(nodeFlags), checkDoor(nodeFlags)], cells: CELLS, timing }, round);
}

/**
 * @param {readonly string[]} nodeFlags
 * @returns {Contestant}
 */
function authorizeDoor(nodeFlags) {
  const { own, start } = guardedService({ nodeFlags, core: SERVER_CORE });
  return {
    name: AUTHORIZE_DOOR,
    path: AUTHORIZE,
    socket: own,
    bodyFile: put("authorize.bin", unaryBody()),
    streams: false,
    isSilent: true,
    pacer: AUTHORIZE_DOOR,
    start,
    check: checkWindbreak,
  };
}

/**
 * @param {readonly string[]} nodeFlags
 * @returns {Contestant}
 */
function checkDoor(nodeFlags) {
  const { own, envoys, start } = guardedService({ nodeFlags, core: SERVER_CORE });
  const question = checkBody();
  return {
    name: CHECK_DOOR,
    path: CHECK,
    socket: envoys,
    bodyFile: put("check.bin", question),
    streams: false,
    isSilent: true,
    pacer: AUTHORIZE_DOOR,
    start,
    check: (target) => checkGuard(target, own, question),
  };
}
