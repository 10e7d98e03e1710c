import { afterAll, onTestFinished, TestRunner } from "vitest";

const cleanups: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/**
 * Do this when the test that runs now is over, failed or not; outside a test (in `beforeAll`), when the file is over.
 *
 * Last things first. What is to be ended may have been ended already: the cleanup must bear that.
 */
export function endAfterwards(cleanup: () => Promise<void>): void {
  if (TestRunner.getCurrentTest() === undefined) cleanups.push(cleanup);
  else onTestFinished(cleanup);
}
