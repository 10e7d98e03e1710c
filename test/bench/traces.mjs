// `node test/bench/traces.mjs [--rounds N] [--quick] [--against MAIN.js]` measures what following calls costs, by how many
// are sampled; docs/tracing.md says how to read it. It needs a build.
import { once } from "node:events";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { windbreak } from "./contestants.mjs";
import { table, whole } from "./report-parts.mjs";
import { measureRounds } from "./rounds.mjs";
import { median } from "./statistics.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    quick: { type: "boolean", default: false },
    /** The main.js of another build, measured beside this one with nothing exported. */
    against: { type: "string" },
  },
});

const TIMING = values.quick
  ? { warmUpMs: 1000, settleMs: 100, measureMs: 500 }
  : { warmUpMs: 6000, settleMs: 400, measureMs: 2000 };

/** Takes whatever it is sent. */
const collector = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
});
await once(collector.listen(0, "127.0.0.1"), "listening");
const address = collector.address();
if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
const endpoint = `http://127.0.0.1:${address.port}`;

/**
 * @param {string} name
 * @param {Record<string, string>} [env]
 */
function contestant(name, env = {}) {
  return { ...windbreak({ name, nodeFlags: [], env }), pacer: "off" };
}

/** @param {string} share */
function sampling(share) {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_METRICS_EXPORTER: "none",
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: share,
  };
}

const contestants = [
  contestant("off"),
  ...(values.against === undefined
    ? []
    : [{ ...windbreak({ name: "against", nodeFlags: [], main: values.against }), pacer: "off" }]),
  contestant("metrics only", { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${endpoint}/v1/metrics` }),
  contestant("0 %", sampling("0")),
  contestant("1 %", sampling("0.01")),
  contestant("100 %", sampling("1")),
];
const shape = { connections: 4, inFlight: 16 };
const cells = [{ door: /** @type {const} */ ("unary"), ...shape, pace: /** @type {const} */ ("saturation") }];
const measured = await measureRounds({ contestants, cells, rounds: Number(values.rounds), timing: TIMING }, (line) =>
  process.stderr.write(`${line}\n`),
);
collector.close();
collector.closeAllConnections();

const rows = contestants.map(({ name }) => {
  const of = measured.filter((one) => one.contestant === name);
  const base = measured.filter((one) => one.contestant === "off");
  const ratios = of.map(({ cpuUs, round }) => cpuUs / (base.find((one) => one.round === round)?.cpuUs ?? Number.NaN));
  const middle = (/** @type {"cpuUs" | "p99Us" | "residentMib"} */ column) => median(of.map((one) => one[column]));
  return [
    name,
    middle("cpuUs").toFixed(1),
    Math.min(...of.map(({ cpuUs }) => cpuUs)).toFixed(1),
    median(ratios).toFixed(2),
    whole(middle("p99Us")),
    whole(middle("residentMib")),
  ];
});
const head = ["traces", "CPU us a decision", "least", "against off", "p99 us", "RSS MiB"];
process.stdout.write(`${table(head, rows)}\n`);
