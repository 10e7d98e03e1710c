import { CHECK_DOOR } from "./doors.mjs";
import { PER_SECOND } from "./envoy.mjs";
import { addedUs, ofAuthorize, throughMedian } from "./envoy-summary.mjs";
import { table, whole } from "./report-parts.mjs";
import { medianOf } from "./summary.mjs";

/** @typedef {import("./envoy.mjs").EnvoyFigures} EnvoyFigures */

/**
 * Write what was found of guarding calls through Envoy as tables, in Markdown.
 *
 * @param {EnvoyFigures} envoy
 * @returns {readonly string[]} sections.
 */
export function reportEnvoy(envoy) {
  const { lacking } = envoy;
  return [doors(envoy), lacking === undefined ? through(envoy) : `**Envoy:** ${lacking}.`, blocking(envoy)];
}

/** @param {EnvoyFigures} envoy */
function doors(envoy) {
  const rows = envoy.doors
    .filter(({ round }) => round === 1)
    .map(({ door, connections, inFlight, pace, contestant }) => {
      const cell = { door, connections, inFlight, pace };
      const figure = (/** @type {import("./summary.mjs").Column} */ column) =>
        medianOf(envoy.doors, { ...cell, contestant }, column);
      const ratio = (/** @type {import("./summary.mjs").Column} */ column) =>
        contestant === CHECK_DOOR ? ofAuthorize(envoy, cell, column).toFixed(2) : "";
      return [
        `${connections}x${inFlight}`,
        contestant,
        whole(figure("perSecond")),
        ratio("perSecond"),
        whole(figure("p50Us")),
        whole(figure("p99Us")),
        figure("cpuUs").toFixed(1),
        ratio("cpuUs"),
      ];
    });
  const head = ["C x M", "asked by", "decisions/s", "x Authorize", "p50 us", "p99 us", "server CPU us", "x Authorize"];
  return `### Envoy's door: Check of a body of 2 KiB, on a Unix socket, at full load\n\n${table(head, rows)}`;
}

/** @param {EnvoyFigures} envoy */
function through(envoy) {
  const row = (/** @type {string} */ what, /** @type {(column: "p50Us" | "p99Us") => number} */ figure) => [
    what,
    whole(figure("p50Us")),
    whole(figure("p99Us")),
  ];
  const rows = [
    row("guarded by Windbreak", (column) => throughMedian(envoy, true, column)),
    row("not guarded", (column) => throughMedian(envoy, false, column)),
    row("added", (column) => addedUs(envoy, column)),
  ];
  return `### A call through Envoy, ${PER_SECOND} a second\n\n${table(["a call", "p50 us", "p99 us"], rows)}`;
}

/** @param {EnvoyFigures} envoy */
function blocking({ blocking: figures }) {
  const rows = figures.map(({ what, bytes, longestMs, worstMs }) => [
    what,
    whole(bytes),
    longestMs.toFixed(1),
    worstMs.toFixed(1),
  ]);
  const head = ["body", "bytes", "longest turn, ms", "worst of all, ms"];
  return `### How long one body keeps the others waiting\n\n${table(head, rows)}`;
}
