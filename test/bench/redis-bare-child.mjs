// A process of its own: calls a script that does nothing, one at a time, and says on stdout how long that takes.
import { createHash } from "node:crypto";
import { redisClient } from "./redis-process.mjs";
import { quantile } from "./statistics.mjs";

/** @type {import("./redis-figures.mjs").BareTask} */
const { port, warmCalls, measureMs } = JSON.parse(process.argv[2] ?? "{}");
const NOTHING = "return ''";
const SHA = createHash("sha1").update(NOTHING).digest("hex");

const client = redisClient(port);
await client.script("LOAD", NOTHING);
await call((made) => made < warmCalls);
const end = performance.now() + measureMs;
/** @type {import("./redis-figures.mjs").BareOutcome} */
const outcome = { p50Us: quantile(await call(() => performance.now() < end), 0.5) };
client.disconnect();
process.stdout.write(`${JSON.stringify(outcome)}\n`);

/** @param {(made: number) => boolean} goesOn */
async function call(goesOn) {
  /** @type {number[]} */
  const latenciesUs = [];
  while (goesOn(latenciesUs.length)) {
    const begun = performance.now();
    await client.evalsha(SHA, 1, "a key");
    latenciesUs.push((performance.now() - begun) * 1000);
  }
  return latenciesUs;
}
