import { median } from "./statistics.mjs";

/**
 * @typedef {import("./rounds.mjs").Cell} Cell
 * @typedef {import("./rounds.mjs").Measurement} Measurement
 * @typedef {"perSecond" | "p50Us" | "p99Us" | "cpuUs" | "residentMib" | "answered" | "storeUs" | "driverBusy"} Column
 * @typedef {Partial<Cell> & { contestant?: string }} Filter
 */

/**
 * Take the median of a column over the rounds.
 *
 * @param {readonly Measurement[]} measured
 * @param {Filter} filter
 * @param {Column} column
 * @returns {number} NaN where nothing was measured.
 */
export function medianOf(measured, filter, column) {
  return median(select(measured, filter).map((one) => one[column] ?? Number.NaN));
}

/**
 * Take the median, over the rounds, of one figure divided by another of the same round: what a noisy machine does to
 * one of them, it mostly does to both.
 *
 * @param {readonly Measurement[]} measured
 * @param {Column} column
 * @param {Filter} above
 * @param {Filter} below
 */
export function ratioOf(measured, column, above, below) {
  const ratios = select(measured, above).map((one) => {
    const [other] = select(measured, below).filter(({ round }) => round === one.round);
    return (one[column] ?? Number.NaN) / (other?.[column] ?? Number.NaN);
  });
  return median(ratios);
}

/**
 * @param {readonly Measurement[]} measured
 * @param {Filter} filter
 */
export function select(measured, filter) {
  return measured.filter((one) => Object.entries(filter).every(([key, value]) => Reflect.get(one, key) === value));
}
