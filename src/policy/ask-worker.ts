import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Millis } from "../domain/units.js";

/** A policy that needs more is refused rather than let it exhaust the memory of the whole service. */
const HEAP_MB = 512;
/** Far above what the largest policy takes: a thread that is busy for longer will not come to an end. */
const TIMEOUT_MS = 30_000;

export interface WorkerTask {
  /** What the script finds as `workerData`; a structured clone of it. */
  readonly input: unknown;
  /** How long it may take from its start to its last message, with what is done between them; 30 s when left out. */
  readonly timeoutMs?: Millis;
}

/**
 * Run a script in a thread of its own and give what it posts, one message each time it is asked for one, until it posts
 * undefined.
 *
 * Between two messages the event loop turns: taking one in holds up this thread for as long as the message is large.
 * The thread ends with the last message, or when nobody asks any more. It sees no environment: what it needs stands in
 * `input`.
 *
 * @throws what the script threw, or an Error where it ended without a word or took too long.
 */
export async function* askWorker<Message>(
  script: URL,
  { input, timeoutMs = TIMEOUT_MS }: WorkerTask,
): AsyncGenerator<Message, undefined> {
  const worker = new Worker(script, {
    workerData: input,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`it took longer than ${timeoutMs / 1000} s`)), timeoutMs);
  const failure = failureOf(worker, late.signal);
  try {
    for (;;) {
      worker.postMessage("next");
      const message = await Promise.race([failure, nextMessage<Message>(worker)]);
      if (message === undefined) return undefined;
      yield message;
      await setImmediate();
    }
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function nextMessage<Message>(worker: Worker): Promise<Message | undefined> {
  return new Promise((resolve) => worker.once("message", resolve));
}

/** Rejects when the worker fails, ends or is late, also while nobody waits for it. */
function failureOf(worker: Worker, late: AbortSignal): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    late.addEventListener("abort", () => reject(late.reason));
    worker.once("error", reject);
    worker.once("messageerror", reject);
    worker.once("exit", (code) => reject(new Error(`the worker ended with ${code} and without an answer`)));
  });
  failure.catch(() => {
    // Told to whoever waits for the next message; that nobody does is no fault of its own.
  });
  return failure;
}
