// A process of its own: compiles a policy, decides by it, and says on stdout how long that took.
import assert from "node:assert/strict";
import { built } from "./built.mjs";
import { compiled } from "./compiled.mjs";
import { benchPolicy, principalName } from "./policy.mjs";
import { MODEL, question } from "./question.mjs";

/** @type {typeof import("../../src/app/authorize.js")} */
const { authorize } = await built("app/authorize.js");
/** @type {typeof import("../../src/app/snapshot-in-force.js")} */
const { SnapshotInForce } = await built("app/snapshot-in-force.js");
/** @type {typeof import("../../src/counters/memory/memory-store.js")} */
const { MemoryStore } = await built("counters/memory/memory-store.js");
/** @type {typeof import("../../src/counters/memory/secure-random.js")} */
const { secureRandom24 } = await built("counters/memory/secure-random.js");
/** @type {typeof import("../../src/identity/declared.js")} */
const { declaredIdentity } = await built("identity/declared.js");
/** @type {typeof import("../../src/telemetry/system-clock.js")} */
const { systemClock } = await built("telemetry/system-clock.js");

/** @type {import("./compile.mjs").CompileTask} */
const { principals, decisions } = JSON.parse(process.argv[2] ?? "{}");

const bytes = Buffer.from(benchPolicy({ ttl: "1s", principals }));
const begun = performance.now();
const policy = compiled(bytes);
const compileMs = performance.now() - begun;
assert.equal(policy.principals.size, principals);

const clock = systemClock();
const store = new MemoryStore(secureRandom24());
const inForce = new SnapshotInForce(policy, store, clock);
/** @type {import("../../src/app/desk.js").Desk} */
const desk = {
  identity: declaredIdentity(),
  store,
  clock,
  log: { decided() {}, settled() {}, released() {} },
  snapshot: () => inForce.current(),
  inventId: () => "",
};
const calls = Array.from({ length: principals }, (_, index) => ({
  requestId: "",
  principal: { id: principalName(index), role: "", workspace: "" },
  model: MODEL,
  endpoint: undefined,
  request: question(""),
  labels: {},
  dryRun: false,
  includeLimits: false,
}));

/** @param {number} count */
function decide(count) {
  for (let made = 0; made < count; made++) {
    const call = calls[made % principals];
    const answer = call && authorize(desk, call);
    if (!answer || !("kind" in answer) || answer.kind !== "allowed") throw new Error("not an admission");
  }
}

// Once to be compiled and to know every caller; then it counts.
decide(decisions);
const before = process.cpuUsage();
decide(decisions);
const { user, system } = process.cpuUsage(before);
const decisionUs = (user + system) / decisions;
process.stdout.write(`${JSON.stringify({ bytes: bytes.length, compileMs, decisionUs })}\n`);
