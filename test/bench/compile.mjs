import { fileURLToPath } from "node:url";
import { run, SERVER_CORE } from "./process.mjs";
import { median } from "./statistics.mjs";

/**
 * @typedef {{ principals: number, decisions: number }} CompileTask
 *
 * @typedef {object} CompileFigure
 * @property {number} principals that the policy lists.
 * @property {number} bytes of its file.
 * @property {number} compileMs from bytes to a policy, in a fresh process.
 * @property {number} decisionUs CPU of one decision, without a transport, asked by all principals in turn.
 */

const CHILD = fileURLToPath(new URL("compile-child.mjs", import.meta.url));
const FEW = 10;

/**
 * Measure what a policy of many principals costs, beside one of few, each in fresh processes.
 *
 * @param {{ principals: number, decisions: number, runs: number }} options
 * @returns {Promise<readonly CompileFigure[]>} medians of the runs.
 */
export async function measureCompile({ principals, decisions, runs }) {
  /** @type {Map<number, CompileFigure[]>} */
  const bySize = new Map([FEW, principals].map((size) => [size, []]));
  for (let turn = 0; turn < runs; turn++) {
    for (const [size, figures] of bySize) {
      const said = await run(SERVER_CORE, ["node", CHILD, JSON.stringify({ principals: size, decisions })]);
      figures.push(JSON.parse(said));
    }
  }
  return [...bySize].map(([size, figures]) => ({
    principals: size,
    bytes: figures[0]?.bytes ?? Number.NaN,
    compileMs: median(figures.map(({ compileMs }) => compileMs)),
    decisionUs: median(figures.map(({ decisionUs }) => decisionUs)),
  }));
}
