import { Worker } from "node:worker_threads";

/** A policy that needs more is refused rather than let it exhaust the memory of the whole service. */
const HEAP_MB = 512;

/**
 * Run a script in a thread of its own and return the first message that it posts.
 *
 * The thread ends with the message. It sees no environment: what it needs stands in `input`.
 *
 * @param input what the script finds as `workerData`; a structured clone of it.
 * @throws what the script threw, or an Error where it ended without a word.
 */
export async function runInWorker<Answer>(script: URL, input: unknown): Promise<Answer> {
  const worker = new Worker(script, {
    workerData: input,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  try {
    return await new Promise<Answer>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("messageerror", reject);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the worker ended with ${code} and without an answer`)));
    });
  } finally {
    await worker.terminate();
  }
}
