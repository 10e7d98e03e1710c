import { isEmptyHandler, table, whole } from "./report-parts.mjs";
import { median } from "./statistics.mjs";
import { IN_PROCESS } from "./stores.mjs";
import { drivenMedian } from "./stores-summary.mjs";
import { medianOf, ratioOf } from "./summary.mjs";

/**
 * @typedef {import("./stores.mjs").StoreFigures} StoreFigures
 * @typedef {import("./redis-figures.mjs").DriveShape} DriveShape
 * @typedef {import("./redis-figures.mjs").Phase} Phase
 */

/**
 * Write what was found of the homes of counters as tables, in Markdown.
 *
 * @param {StoreFigures} stores
 * @returns {readonly string[]} sections.
 */
export function reportStores(stores) {
  const { lacking } = stores;
  return [homes(stores), ...(lacking === undefined ? [driven(stores), memory(stores)] : [`**Redis:** ${lacking}.`])];
}

/** @param {StoreFigures} stores */
function homes({ measured }) {
  const head = ["C x M", "load", "counters", "decisions/s", "p50 us", "p99 us", "server CPU us", "x in process"];
  const rows = measured
    .filter(({ round }) => round === 1)
    .map(({ door, connections, inFlight, pace, contestant }) => {
      const cell = { door, connections, inFlight, pace };
      const filter = { ...cell, contestant };
      const figure = (/** @type {import("./summary.mjs").Column} */ column) => medianOf(measured, filter, column);
      const storeUs = figure("storeUs");
      return [
        `${connections}x${inFlight}`,
        pace === "half" ? "half" : "full",
        contestant,
        whole(figure("perSecond")),
        whole(figure("p50Us")),
        whole(figure("p99Us")),
        figure("cpuUs").toFixed(1),
        contestant === IN_PROCESS || isEmptyHandler(contestant)
          ? ""
          : ratioOf(measured, "cpuUs", filter, { ...cell, contestant: IN_PROCESS }).toFixed(2),
        Number.isNaN(storeUs) ? "" : storeUs.toFixed(1),
      ];
    });
  return `### Where the counters live: Authorize\n\n${table([...head, "Redis CPU us"], rows)}`;
}

/** @param {StoreFigures} stores */
function driven(stores) {
  const rows = stores.driven
    .filter(({ round }) => round === 1)
    .map((shape) => {
      const both = (/** @type {keyof Phase} */ column, digits = 1) =>
        /** @type {const} */ (["reserve", "settle"])
          .map((step) => drivenMedian(stores.driven, shape, step, column))
          .map((value) => (digits === 0 ? whole(value) : value.toFixed(digits)))
          .join(" / ");
      return [
        whole(shape.inFlight),
        shape.mostGathered === undefined ? "the store's own choice" : whole(shape.mostGathered),
        whole(shape.principals),
        both("perSecond", 0),
        both("p50Us", 0),
        both("nodeUs"),
        both("redisUs"),
        both("scriptUs"),
        drivenMedian(stores.driven, shape, "reserve", "perCall").toFixed(1),
      ];
    });
  const head = ["in flight", "at most in a call", "principals", "per second", "p50 us", "Node CPU us", "Redis CPU us"];
  const title = "### The store in Redis without a transport: reserve / settle";
  return `${title}\n\n${table([...head, "in scripts us", "were in a call"], rows)}\n\n${bareLine(stores)}`;
}

/** @param {StoreFigures} stores */
function bareLine({ bare }) {
  const nothing = whole(median(bare.map(({ p50Us }) => p50Us)));
  const reserve = whole(median(bare.map(({ reserveP50Us }) => reserveP50Us)));
  return `Without the store, one EVALSHA at a time through the same client: p50 ${nothing} us for a script that does
nothing, ${reserve} us for a reservation's with its arguments.`;
}

/** @param {StoreFigures} stores */
function memory(stores) {
  const rows = stores.memory.map(({ thing, count, bytes }) => [
    thing === "reservation" ? "an open reservation" : "a principal, once its reservations are forgotten",
    whole(count),
    whole(bytes),
  ]);
  return `### Memory of Redis\n\n${table(["what", "of so many", "bytes"], rows)}`;
}
