import { setImmediate } from "node:timers/promises";

const DEADLINE_MS = 5_000;

/** Ask again, as soon as the one before is answered and whatever else waits had its turn, until an expectation holds; its failure at the deadline. */
export async function eventually(expectation: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      return await expectation();
    } catch (failure) {
      if (performance.now() > deadline) throw failure;
      await setImmediate();
    }
  }
}
