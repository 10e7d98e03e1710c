import { DECLARED, PLAIN, WITHOUT } from "./identity.mjs";
import { table, whole } from "./report-parts.mjs";
import { medianOf, ratioOf } from "./summary.mjs";

/**
 * @typedef {import("./identity.mjs").IdentityFigures} IdentityFigures
 * @typedef {import("./summary.mjs").Column} Column
 */

/**
 * Take the median, over the rounds, of a figure divided by that of callers taken at their word in plain text, asked by the
 * same source of load in the same round.
 *
 * @param {IdentityFigures} identity
 * @param {Partial<import("./rounds.mjs").Cell>} cell
 * @param {string} contestant
 * @param {Column} column
 * @returns {number} NaN for those callers themselves, and where nothing was measured.
 */
export function ofWithout({ measured }, cell, contestant, column) {
  const without = WITHOUT.get(contestant);
  if (without === undefined) return Number.NaN;
  return ratioOf(measured, column, { ...cell, contestant }, { ...cell, contestant: without });
}

/**
 * Write what it takes to know who calls as a table, in Markdown.
 *
 * @param {IdentityFigures} identity
 */
export function reportIdentity(identity) {
  const { measured } = identity;
  const names = [DECLARED, PLAIN].flatMap((base) => [
    base,
    ...[...WITHOUT].filter(([, of]) => of === base).map(([name]) => name),
  ]);
  const first = measured.filter(({ round }) => round === 1);
  const rows = first
    .toSorted(
      (one, other) =>
        one.connections - other.connections || names.indexOf(one.contestant) - names.indexOf(other.contestant),
    )
    .map(({ door, connections, inFlight, pace, contestant }) => {
      const cell = { door, connections, inFlight, pace };
      const figure = (/** @type {Column} */ column) => medianOf(measured, { ...cell, contestant }, column);
      const ratio = (/** @type {Column} */ column) => {
        const value = ofWithout(identity, cell, contestant, column);
        return Number.isNaN(value) ? "" : value.toFixed(2);
      };
      const busy = figure("driverBusy");
      return [
        `${connections}x${inFlight}`,
        contestant,
        Number.isNaN(busy) ? "h2load" : `driver, ${whole(busy * 100)} % busy`,
        whole(figure("perSecond")),
        ratio("perSecond"),
        whole(figure("p50Us")),
        whole(figure("p99Us")),
        figure("cpuUs").toFixed(1),
        ratio("cpuUs"),
      ];
    });
  const head = ["C x M", "who calls", "load by", "decisions/s", "x without", "p50 us", "p99 us", "server CPU us"];
  return `### Who is asking: Authorize at full load\n\n${table([...head, "x without"], rows)}`;
}
