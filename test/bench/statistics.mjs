/**
 * Take the value that a share of all values does not exceed (nearest rank).
 *
 * @param {Iterable<number>} values
 * @param {number} share from 0 to 1.
 * @returns {number} NaN where there are none.
 */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * Take the middle value; of an even count the mean of the middle two.
 *
 * @param {readonly number[]} values
 */
export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
