// `npm run bench -- [flags]` measures the built service beside an empty grpc-js handler; docs/performance.md says how to
// read the figures. No figure makes it fail: only a server that does not answer as it must.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measureAbuse } from "./abuse.mjs";
import { cerbos } from "./cerbos.mjs";
import { measureCompile } from "./compile.mjs";
import { emptyHandler, windbreak } from "./contestants.mjs";
import { measureEnvoy } from "./envoy.mjs";
import { measureIdentity } from "./identity.mjs";
import { lacking, machineFacts } from "./machine.mjs";
import { measureMemory } from "./memory.mjs";
import { report } from "./report.mjs";
import { measureRounds } from "./rounds.mjs";
import { measureStores } from "./stores.mjs";
import { targets } from "./targets.mjs";

/** @typedef {import("./rounds.mjs").Cell} Cell */

const SECTIONS = ["unary", "stream", "memory", "compile", "stores", "identity", "envoy", "abuse"];
const FIGURES = /(<!-- figures -->\n).*(\n<!-- end of figures -->)/s;

const FULL = {
  timing: { warmUpMs: 6000, settleMs: 400, measureMs: 2000 },
  memory: { reservations: 500_000, principals: 200_000 },
  compile: { principals: 10_000, decisions: 300_000, runs: 5 },
  drive: { warmCalls: 10_000, measureMs: 1000 },
  redisMemory: { reservations: 100_000, principals: 50_000 },
  through: { warmUpMs: 8000, measureMs: 5000 },
  times: 25,
  abuseMs: 10_000,
};
/** Shows that everything runs; its figures mean little. */
const QUICK = {
  timing: { warmUpMs: 200, settleMs: 100, measureMs: 200 },
  memory: { reservations: 50_000, principals: 20_000 },
  compile: { principals: 10_000, decisions: 30_000, runs: 1 },
  drive: { warmCalls: 1_000, measureMs: 100 },
  redisMemory: { reservations: 5_000, principals: 2_500 },
  through: { warmUpMs: 500, measureMs: 500 },
  times: 3,
  abuseMs: 1_000,
};

const flags = readFlags();
const asked = new Set(flags.only ?? SECTIONS);
const sizes = flags.quick ? QUICK : FULL;
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
const nodeFlags = flags["node-flags"].split(" ").filter(Boolean);

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}

function readFlags() {
  try {
    return parseArgs({
      options: {
        rounds: { type: "string" },
        only: { type: "string", multiple: true },
        quick: { type: "boolean", default: false },
        peers: { type: "boolean", default: false },
        "node-flags": { type: "string", default: "" },
        json: { type: "string" },
        docs: { type: "string" },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    say(error.message);
    process.exit(2);
  }
}

/** @returns {string | undefined} */
function misuse() {
  const unknown = [...asked].find((section) => !SECTIONS.includes(section));
  if (unknown !== undefined) return `--only ${unknown}: there is no such part; name one of ${SECTIONS.join(", ")}`;
  if (!Number.isInteger(rounds) || rounds < 1) return `--rounds ${flags.rounds}: name a whole number from 1`;
  if (["unary", "stream", "stores", "identity", "envoy", "abuse"].some((section) => asked.has(section)))
    return lacking();
  return undefined;
}

/**
 * What is measured, saturation first: half of it can only be offered once it is known.
 *
 * @returns {readonly Cell[]}
 */
function cells() {
  const unaryShapes = [
    ...(asked.has("unary") ? ["1x1", "4x4", "4x16"] : []),
    ...(asked.has("stream") ? ["1x16", "4x16"] : []),
  ];
  return [
    ...[...new Set(unaryShapes)].map((shape) => cell("unary", shape, "saturation")),
    ...(asked.has("unary") ? ["1x1", "4x4", "4x16"].map((shape) => cell("unary", shape, "half")) : []),
    ...(asked.has("stream") ? ["1x16", "4x16"].map((shape) => cell("stream", shape, "saturation")) : []),
  ];
}

/**
 * @param {Cell["door"]} door
 * @param {string} shape
 * @param {Cell["pace"]} pace
 * @returns {Cell}
 */
function cell(door, shape, pace) {
  const [connections = 0, inFlight = 0] = shape.split("x").map(Number);
  return { door, connections, inFlight, pace };
}

async function measureDoors() {
  if (cells().length === 0) return [];
  const own = [windbreak({ name: "windbreak", nodeFlags }), emptyHandler(nodeFlags)];
  const contestants = [...own, ...(flags.peers ? [await cerbos(say)] : [])];
  return measureRounds({ contestants, cells: cells(), rounds, timing: sizes.timing }, say);
}

function measureHomes() {
  if (!asked.has("stores")) return undefined;
  const { timing, drive, redisMemory: memory } = sizes;
  return measureStores({ rounds, sizes: { timing, drive, memory }, nodeFlags, withPeers: flags.peers }, say);
}

function measureCallers() {
  if (!asked.has("identity")) return undefined;
  return measureIdentity({ rounds, timing: sizes.timing, nodeFlags }, say);
}

function measureGuarding() {
  if (!asked.has("envoy")) return undefined;
  const { timing, through, times } = sizes;
  return measureEnvoy({ rounds, sizes: { timing, through, times }, nodeFlags }, say);
}

/**
 * Put the tables where a page has its place for them.
 *
 * @param {string} file
 * @param {string} tables
 */
function fillIn(file, tables) {
  const page = readFileSync(file, "utf8");
  if (!FIGURES.test(page)) throw new Error(`${file}: it has no place for figures between <!-- figures --> and its end`);
  writeFileSync(
    file,
    page.replace(FIGURES, (_all, begin, end) => `${begin}\n${tables}\n${end}`),
  );
}

const fault = misuse();
if (fault !== undefined) {
  say(fault);
  process.exit(2);
}
const machine = machineFacts();
const measured = await measureDoors();
if (asked.has("memory")) say("memory");
const memory = asked.has("memory") ? await measureMemory(sizes.memory) : [];
if (asked.has("compile")) say("compile");
const compile = asked.has("compile") ? await measureCompile(sizes.compile) : [];
const stores = await measureHomes();
const identity = await measureCallers();
const envoy = await measureGuarding();
const abuse = asked.has("abuse") ? await measureAbuse({ measureMs: sizes.abuseMs, nodeFlags }, say) : [];

const results = { machine, rounds, nodeFlags, measured, memory, compile, stores, identity, envoy, abuse };
const tables = report(results);
process.stdout.write(`${tables}\n`);
if (flags.json !== undefined)
  writeFileSync(flags.json, `${JSON.stringify({ ...results, targets: targets(results) }, undefined, 2)}\n`);
if (flags.docs !== undefined) fillIn(flags.docs, tables);
