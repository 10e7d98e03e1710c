// The built service with its counters in Redis, told how many calls may share a script call: `serve` has no such flag.
import assert from "node:assert/strict";
import { built } from "./built.mjs";
import { redisClient } from "./redis-process.mjs";
import { redisStore } from "./redis-store.mjs";

/** @type {typeof import("../../src/commands/service.js")} */
const { Service } = await built("commands/service.js");
/** @type {typeof import("../../src/policy/live-policy.js")} */
const { LivePolicy } = await built("policy/live-policy.js");
/** @type {typeof import("../../src/policy/load-in-worker.js")} */
const { loadHere } = await built("policy/load-in-worker.js");
/** @type {typeof import("../../src/telemetry/system-clock.js")} */
const { systemClock } = await built("telemetry/system-clock.js");

/** @typedef {{ policyFile: string, port: number, redisPort: number, database: number, mostGathered: number }} GatheringTask */

/** @type {GatheringTask} */
const { policyFile, port, redisPort, database, mostGathered } = JSON.parse(process.argv[2] ?? "{}");

/** @param {string} line */
const complain = (line) => void process.stderr.write(`${line}\n`);
const log = { info: () => undefined, warn: () => undefined, error: complain };
const clock = systemClock();
const client = redisClient(redisPort, database);
const counters = {
  store: redisStore(client, mostGathered),
  restored: "counters live in Redis",
  clock,
  isUp: () => true,
  sweep: () => undefined,
  stats: () => undefined,
  alertMarks: { lead: () => false, take: () => false, keep: () => false },
  keyUses: {
    keep: () => ({ kind: /** @type {const} */ ("kept") }),
    read: () => ({ kind: /** @type {const} */ ("uses"), since: 0, uses: [] }),
  },
  close: async () => client.disconnect(),
};
/** @type {import("../../src/settings.js").ServeSettings} */
const settings = {
  policyFile,
  listen: [{ kind: "tcp", host: "127.0.0.1", port }],
  admin: undefined,
  adminIsDefault: false,
  identity: { kind: "declared" },
  declaredIsExposed: false,
  maxConnections: 10_000,
  maxCalls: 8_192,
  storeTimeoutMs: 1_000,
  drainGraceMs: 1_000,
  drainDelayMs: 0,
  log: { format: "text", level: "error" },
};

const opened = await LivePolicy.open({ file: policyFile, log, clock, load: loadHere });
assert(opened.kind === "open");
const service = new Service({ settings, log, clock, counters });
assert.deepEqual(await service.bind(), []);
service.start(opened.live);
process.once("SIGTERM", async () => {
  opened.live.close();
  await service.stop();
});
