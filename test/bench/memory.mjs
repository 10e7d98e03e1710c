import { fileURLToPath } from "node:url";
import { run, SERVER_CORE } from "./process.mjs";

/**
 * @typedef {"reservation" | "principal"} Thing an open reservation; a principal that has made one reservation and
 *   settled it.
 * @typedef {"server" | "caller"} IdMaker who chose the request_ids.
 * @typedef {{ thing: Thing, ids: IdMaker, count: number }} MemoryTask
 *
 * @typedef {object} MemoryOutcome
 * @property {number} bytes for each thing; for principals, once their reservations are forgotten.
 * @property {number} [bytesInARush] for each principal, while its closed reservation is still remembered.
 *
 * @typedef {MemoryTask & MemoryOutcome} MemoryFigure
 */

const CHILD = fileURLToPath(new URL("memory-child.mjs", import.meta.url));

/**
 * Measure what the memory store keeps for each reservation and each principal, each in a fresh process.
 *
 * @param {{ reservations: number, principals: number }} counts
 * @returns {Promise<readonly MemoryFigure[]>}
 */
export async function measureMemory({ reservations, principals }) {
  /** @type {MemoryFigure[]} */
  const figures = [];
  for (const ids of /** @type {const} */ (["server", "caller"])) {
    for (const thing of /** @type {const} */ (["reservation", "principal"])) {
      const task = { thing, ids, count: thing === "reservation" ? reservations : principals };
      const said = await run(SERVER_CORE, ["node", "--expose-gc", CHILD, JSON.stringify(task)]);
      figures.push({ ...task, ...JSON.parse(said) });
    }
  }
  return figures;
}
