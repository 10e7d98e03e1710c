// What guarding calls through Envoy costs: its question, a call as a whole, and the worst that one body can do.
import { measureBlocking } from "./blocking.mjs";
import { measureDoors } from "./doors.mjs";
import { lackingEnvoy } from "./envoy-process.mjs";
import { measureThrough, startThrough, warmThrough } from "./through-envoy.mjs";

/**
 * @typedef {object} EnvoySizes
 * @property {import("./rounds.mjs").Timing} timing of the doors.
 * @property {{ warmUpMs: number, measureMs: number }} through
 * @property {number} times that each body is judged.
 *
 * @typedef {object} EnvoyFigures
 * @property {string | undefined} lacking why nothing was measured through Envoy.
 * @property {readonly import("./rounds.mjs").Measurement[]} doors
 * @property {readonly import("./through-envoy.mjs").ThroughFigure[]} through
 * @property {readonly import("./blocking.mjs").BlockingFigure[]} blocking
 */

export const PER_SECOND = 100;
/** Faster, for fresh servers to be compiled in a bearable time. */
const WARM_PER_SECOND = 300;

/**
 * Measure all of it, Envoy itself where it is installed.
 *
 * @param {{ rounds: number, sizes: EnvoySizes, nodeFlags: readonly string[] }} plan
 * @param {(line: string) => void} say
 * @returns {Promise<EnvoyFigures>}
 */
export async function measureEnvoy({ rounds, sizes, nodeFlags }, say) {
  const lacking = lackingEnvoy();
  if (lacking !== undefined) say(lacking);
  const doors = [];
  for (let round = 1; round <= rounds; round++) {
    say(`Envoy's door, round ${round} of ${rounds}`);
    doors.push(...(await measureDoors({ nodeFlags, timing: sizes.timing }, round)));
  }
  const through = lacking === undefined ? await measureCalls({ rounds, sizes, nodeFlags }, say) : [];
  say("bodies of a megabyte");
  return { lacking, doors, through, blocking: await measureBlocking({ nodeFlags, times: sizes.times }) };
}

/**
 * @param {{ rounds: number, sizes: EnvoySizes, nodeFlags: readonly string[] }} plan
 * @param {(line: string) => void} say
 */
async function measureCalls({ rounds, sizes, nodeFlags }, say) {
  const { warmUpMs, measureMs } = sizes.through;
  const through = await startThrough({ nodeFlags });
  try {
    await warmThrough(through, { perSecond: WARM_PER_SECOND, measureMs: warmUpMs });
    const figures = [];
    for (let round = 1; round <= rounds; round++) {
      say(`calls through Envoy, round ${round} of ${rounds}`);
      figures.push(...(await measureThrough(through, { perSecond: PER_SECOND, measureMs }, round)));
    }
    return figures;
  } finally {
    await through.stop();
  }
}
