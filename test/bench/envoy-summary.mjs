import { AUTHORIZE_DOOR, CHECK_DOOR } from "./doors.mjs";
import { median } from "./statistics.mjs";
import { ratioOf } from "./summary.mjs";

/**
 * @typedef {import("./envoy.mjs").EnvoyFigures} EnvoyFigures
 * @typedef {import("./rounds.mjs").Cell} Cell
 */

/**
 * Take the median, over the rounds, of a figure of Check divided by Authorize's of the same round.
 *
 * @param {EnvoyFigures} envoy
 * @param {Partial<Cell>} cell
 * @param {import("./summary.mjs").Column} column
 */
export function ofAuthorize({ doors }, cell, column) {
  return ratioOf(doors, column, { ...cell, contestant: CHECK_DOOR }, { ...cell, contestant: AUTHORIZE_DOOR });
}

/**
 * Take the median, over the rounds, of what a guarded call took.
 *
 * @param {EnvoyFigures} envoy
 * @param {boolean} isGuarded or one through an Envoy that asks nobody.
 * @param {"p50Us" | "p99Us"} column
 */
export function throughMedian({ through }, isGuarded, column) {
  return median(through.filter((one) => one.isGuarded === isGuarded).map((one) => one[column]));
}

/**
 * Take the median, over the rounds, of what guarding added to a call.
 *
 * @param {EnvoyFigures} envoy
 * @param {"p50Us" | "p99Us"} column
 * @returns {number} NaN where nothing was measured.
 */
export function addedUs({ through }, column) {
  const added = through
    .filter(({ isGuarded }) => isGuarded)
    .map((one) => {
      const bare = through.find((other) => other.round === one.round && !other.isGuarded);
      return one[column] - (bare?.[column] ?? Number.NaN);
    });
  return median(added);
}
