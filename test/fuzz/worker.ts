import { parentPort, workerData } from "node:worker_threads";
import { corpusOf } from "./corpus.js";
import { Coverage } from "./coverage.js";
import { fuzz } from "./fuzz.js";
import { TARGETS } from "./targets.js";
import { HEAD_BYTES, type Told, type Work } from "./work.js";

async function work({ target: name, seconds, seed, now }: Work): Promise<Told> {
  const target = TARGETS.find((one) => one.name === name);
  if (!target) throw new Error(`no target is called ${name}`);
  const head = new Int32Array(now, 0, 2);
  const bytes = Buffer.from(now, HEAD_BYTES);
  const coverage = new Coverage();
  const end = performance.now() + seconds * 1000;
  const { tried, pool, found } = await fuzz(target, {
    seed,
    inputs: corpusOf(name).map(({ input }) => input),
    isOver: () => performance.now() >= end,
    coverage,
    trying: (input) => {
      Atomics.store(head, 1, input.copy(bytes));
      Atomics.add(head, 0, 1);
    },
  });
  const told = { tried, pool: pool.length, blocks: coverage.size };
  coverage.close();
  if (!found) return told;
  const cause = found.cause instanceof Error ? (found.cause.stack ?? found.cause.message) : String(found.cause);
  return { ...told, found: { input: found.input, cause } };
}

parentPort?.postMessage(await work(workerData as Work));
