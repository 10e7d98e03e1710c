const DEADLINE_MS = 5_000;

/** Ask again, as soon as the one before is answered, until an expectation holds; its failure at the deadline. */
export async function eventually(expectation: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      return await expectation();
    } catch (failure) {
      if (performance.now() > deadline) throw failure;
    }
  }
}
