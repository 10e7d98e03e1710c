import { median } from "./statistics.mjs";

/**
 * @typedef {import("./redis-figures.mjs").DriveFigure} DriveFigure
 * @typedef {import("./redis-figures.mjs").DriveShape} DriveShape
 * @typedef {import("./redis-figures.mjs").Phase} Phase
 * @typedef {"reserve" | "settle"} Step
 */

/**
 * Take the median of one figure of the driven store over the rounds.
 *
 * @param {readonly DriveFigure[]} driven
 * @param {DriveShape} shape
 * @param {Step} step
 * @param {keyof Phase} column
 * @returns {number} NaN where it was not driven so.
 */
export function drivenMedian(driven, shape, step, column) {
  return median(driven.filter((one) => isOf(one, shape)).map((one) => one[step][column]));
}

/**
 * Take the median, over the rounds, of one figure of a shape divided by that of another in the same round.
 *
 * @param {readonly DriveFigure[]} driven
 * @param {{ above: DriveShape, below: DriveShape }} shapes
 * @param {Step} step
 * @param {keyof Phase} column
 */
export function drivenRatio(driven, { above, below }, step, column) {
  const ratios = driven
    .filter((one) => isOf(one, above))
    .map((one) => {
      const other = driven.find(({ round, ...rest }) => round === one.round && isOf(rest, below));
      return one[step][column] / (other?.[step][column] ?? Number.NaN);
    });
  return median(ratios);
}

/**
 * @param {DriveShape} one
 * @param {DriveShape} shape
 */
function isOf(one, shape) {
  return (
    one.mostGathered === shape.mostGathered && one.inFlight === shape.inFlight && one.principals === shape.principals
  );
}
