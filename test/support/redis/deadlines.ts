import { setTimeout as pause } from "node:timers/promises";

/** How long an answer that was not yet the one waited for is left alone before the next question. */
const BETWEEN_QUESTIONS_MS = 20;

/** Wait for something that must come. @throws Error naming it where it does not come in time. */
export async function inTime<T>(ms: number, what: string, coming: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([coming, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Ask until the answer is the one waited for; for states that a server tells to nobody who does not ask.
 *
 * @returns the first answer that `isIt` takes.
 * @throws Error with the last answer where none is taken within `ms`; whatever `ask` throws.
 */
export async function askUntil<T>(ms: number, ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const answer = await inTime(ms, "an answer", ask());
    if (isIt(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`after ${ms} ms still: ${JSON.stringify(answer)}`);
    await pause(BETWEEN_QUESTIONS_MS);
  }
}
