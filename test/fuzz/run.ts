import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { writeFound } from "./corpus.js";
import type { Target } from "./target.js";
import { TARGETS } from "./targets.js";
import { HEAD_BYTES, type Told, type Work } from "./work.js";

const LOOK_MS = 100;
/** A thread that does not come to its next input in this time of the processor hangs. */
const MOST_CPU_MS = 10_000;
const MOST_RSS_BYTES = 1024 * 1024 * 1024;
const ROOM_BYTES = HEAD_BYTES + 1024 * 1024;

/** Fuzz one target in a thread of its own, so that what hangs or eats the memory can be ended and told. */
async function fuzzTarget(target: Target, seconds: number, seed: number): Promise<Told> {
  const now = new SharedArrayBuffer(ROOM_BYTES);
  const work: Work = { target: target.name, seconds, seed, now };
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: work });
  const head = new Int32Array(now, 0, 2);
  const inputNow = () => Buffer.from(Buffer.from(now, HEAD_BYTES, Atomics.load(head, 1)));
  let before = Atomics.load(head, 0);
  let cpu = process.cpuUsage();
  return new Promise<Told>((resolve) => {
    const end = (told: Told) => {
      clearInterval(looking);
      void worker.terminate().then(() => resolve(told));
    };
    const fail = (cause: string) => {
      end({ tried: Atomics.load(head, 0), pool: 0, blocks: 0, found: { input: inputNow(), cause } });
    };
    const looking = setInterval(() => {
      const count = Atomics.load(head, 0);
      if (count !== before) [before, cpu] = [count, process.cpuUsage()];
      const { user } = process.cpuUsage(cpu);
      if (user / 1000 > MOST_CPU_MS) fail(`it hangs: no end after ${Math.round(user / 1000)} ms`);
      else if (process.memoryUsage.rss() > MOST_RSS_BYTES) fail(`it takes more than ${MOST_RSS_BYTES} bytes of memory`);
    }, LOOK_MS);
    worker.once("message", (told: Told) => end(told));
    worker.once("error", (cause) => fail(`the thread ended: ${cause instanceof Error ? cause.stack : cause}`));
  });
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } },
});
const chosen = TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const each = Number(values.seconds) / Math.max(1, chosen.length);
if (chosen.length === 0) console.error(`choose of: ${TARGETS.map(({ name }) => name).join(", ")}`);
console.log(`seed ${seed}, ${each.toFixed(1)} s for each of ${chosen.length} targets`);

let failures = chosen.length === 0 ? 1 : 0;
for (const target of chosen) {
  const { tried, pool, blocks, found } = await fuzzTarget(target, each, seed);
  console.log(`${target.name.padEnd(18)} ${tried} inputs, ${pool} kept while running, ${blocks} blocks of code`);
  if (!found) continue;
  failures++;
  console.error(`  broken: ${target.law}\n  ${found.cause.replaceAll("\n", "\n  ")}`);
  console.error(`  the input: ${writeFound(target.name, Buffer.from(found.input))} (seed ${seed})`);
}
process.exitCode = failures > 0 ? 1 : 0;
