import { setTimeout as wait } from "node:timers/promises";

const MOST_MS = 20_000;
const STEP_MS = 20;

/**
 * Wait until something is so.
 *
 * @param {() => boolean | Promise<boolean>} isSo
 * @throws where it takes too long, or what `isSo` throws.
 */
export async function until(isSo) {
  const deadline = performance.now() + MOST_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`it took longer than ${MOST_MS} ms`);
    await wait(STEP_MS);
  }
}
