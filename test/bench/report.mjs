import { reportEnvoy } from "./envoy-report.mjs";
import { reportIdentity } from "./identity-report.mjs";
import { isEmptyHandler, table, whole } from "./report-parts.mjs";
import { reportStores } from "./stores-report.mjs";
import { medianOf, ratioOf } from "./summary.mjs";
import { targets } from "./targets.mjs";

/**
 * Everything that one run of the bench found; what it was not asked for is empty.
 *
 * @typedef {object} Results
 * @property {import("./machine.mjs").Machine} machine
 * @property {number} rounds
 * @property {readonly string[]} nodeFlags
 * @property {readonly import("./rounds.mjs").Measurement[]} measured
 * @property {readonly import("./memory.mjs").MemoryFigure[]} memory
 * @property {readonly import("./compile.mjs").CompileFigure[]} compile
 * @property {import("./stores.mjs").StoreFigures | undefined} stores
 * @property {import("./identity.mjs").IdentityFigures | undefined} identity
 * @property {import("./envoy.mjs").EnvoyFigures | undefined} envoy
 * @property {readonly import("./abuse.mjs").AbuseFigure[]} abuse
 */

/** A load average below this is that of a machine that does nothing else. */
const IDLE = 0.5;

/**
 * Write what was found as tables, in Markdown.
 *
 * @param {Results} results
 */
export function report(results) {
  return [
    machineLine(results),
    doorTable(results, "unary", "Unary: Authorize"),
    doorTable(results, "stream", "Streams: AuthorizeStream, one on each connection"),
    memoryTable(results),
    compileTable(results),
    ...(results.stores ? reportStores(results.stores) : []),
    ...(results.identity ? [reportIdentity(results.identity)] : []),
    ...(results.envoy ? reportEnvoy(results.envoy) : []),
    abuseTable(results),
    targetTable(results),
  ]
    .filter((section) => section !== "")
    .join("\n\n");
}

/** @param {Results} results */
function machineLine({ machine, rounds, nodeFlags, measured, stores, identity, envoy }) {
  const { cpu, cores, kernel, node, grpcJs, h2load, redis, pinned, loadBefore, date } = machine;
  const busy = loadBefore < IDLE ? "" : ` (not idle: its load average was ${loadBefore.toFixed(1)} before)`;
  const where = `${date}: ${cpu}, ${cores} cores${busy}, ${kernel}, Node ${node}, grpc-js ${grpcJs}`;
  if (measured.length === 0 && !stores && !identity && !envoy) return `${where}.`;
  const cored = pinned ? "Server on one core, load on another" : "Not pinned to cores: compare with care";
  const flags = nodeFlags.length === 0 ? "no flags for Node" : `Node with ${nodeFlags.join(" ")}`;
  return `${where}, h2load ${h2load}, Redis ${redis}. ${cored}; ${flags}; medians of ${rounds} rounds.`;
}

/**
 * @param {Results} results
 * @param {"unary" | "stream"} door
 * @param {string} title
 */
function doorTable({ measured }, door, title) {
  const cells = distinct(
    measured
      .filter((one) => one.door === door)
      .map(({ connections, inFlight, pace, contestant }) => ({ connections, inFlight, pace, contestant })),
  );
  if (cells.length === 0) return "";
  const rows = cells.map((cell) => {
    const filter = { door, ...cell };
    const isEmpty = isEmptyHandler(cell.contestant);
    const base = { ...filter, contestant: "empty handler" };
    const figure = (/** @type {import("./summary.mjs").Column} */ column) => medianOf(measured, filter, column);
    return [
      `${cell.connections}x${cell.inFlight}`,
      cell.pace === "half" ? "half" : "full",
      cell.contestant,
      whole(figure("perSecond")),
      isEmpty ? "" : ratioOf(measured, "perSecond", filter, base).toFixed(2),
      whole(figure("p50Us")),
      whole(figure("p99Us")),
      isEmpty ? "" : ratioOf(measured, "p99Us", filter, base).toFixed(2),
      figure("cpuUs").toFixed(1),
      isEmpty ? "" : ratioOf(measured, "cpuUs", filter, base).toFixed(2),
      `${whole(figure("residentMib"))} / ${whole(figure("answered") / 1000)}k`,
      ...(door === "stream" ? [`${whole(figure("driverBusy") * 100)} %`] : []),
    ];
  });
  const head = ["C x M", "load", "server", "decisions/s", "x empty", "p50 us", "p99 us", "x empty"];
  const tail = ["server CPU us", "x empty", "RSS MiB / after", ...(door === "stream" ? ["driver busy"] : [])];
  return `### ${title}\n\n${table([...head, ...tail], rows)}`;
}

/** @param {Results} results */
function memoryTable({ memory }) {
  if (memory.length === 0) return "";
  const rows = memory.map(({ thing, ids, count, bytes, bytesInARush }) => [
    thing === "reservation" ? "an open reservation" : "a principal's counters, of six limits",
    ids,
    whole(count),
    whole(bytes),
    bytesInARush === undefined ? "" : whole(bytesInARush),
  ]);
  const head = ["what", "request_id by the", "of so many", "bytes", "bytes in the ten minutes after a call"];
  return `### Memory of the in-process store\n\n${table(head, rows)}`;
}

/** @param {Results} results */
function compileTable({ compile }) {
  if (compile.length === 0) return "";
  const rows = compile.map(({ principals, bytes, compileMs, decisionUs }) => [
    whole(principals),
    whole(bytes),
    whole(compileMs),
    decisionUs.toFixed(2),
  ]);
  const head = ["principals", "bytes of the file", "ms to a policy", "us CPU a decision, asked by all in turn"];
  return `### Large policies, in process\n\n${table(head, rows)}`;
}

/** @param {Results} results */
function abuseTable({ abuse }) {
  if (abuse.length === 0) return "";
  const rows = abuse.map(({ attack, before, during, cpuShare, grownMib }) => [
    attack,
    `${whole(before.p50Us)} / ${whole(before.p99Us)}`,
    `${whole(during.p50Us)} / ${whole(during.p99Us)}`,
    whole(during.worstUs),
    `${whole(cpuShare * 100)} %`,
    whole(grownMib),
  ]);
  const head = ["attack", "p50 / p99 us before", "during", "worst us", "server CPU", "MiB more"];
  return `### An honest caller beside a hostile one, 200 calls a second\n\n${table(head, rows)}`;
}

/** @param {Results} results */
function targetTable(results) {
  const rows = targets(results).map(({ what, bound, target, value, unit, met }) => [
    what,
    `${bound} ${target} ${unit}`,
    value < 10 ? value.toFixed(2) : whole(value),
    met ? "yes" : "no",
  ]);
  return rows.length === 0 ? "" : `### Targets\n\n${table(["what", "target", "measured", "met"], rows)}`;
}

/**
 * @template {object} T
 * @param {readonly T[]} values
 * @returns {readonly T[]}
 */
function distinct(values) {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
