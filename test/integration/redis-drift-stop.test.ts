import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const BUILT = join(import.meta.dirname, "../../dist/counters/redis/drift.js");

/** Stops a look for drift while it leaves the server alone for a moment, with nothing else to do, as a process that ends. */
const ENDING = `
const { DriftCheck } = await import(${JSON.stringify(BUILT)});
let begun;
const hasBegun = new Promise((resolve) => (begun = resolve));
const check = new DriftCheck({
  server: { away: () => undefined, run: async () => (begun(), ["1"]) },
  scripts: {},
  keys: () => ({ lease: "lease", shared: "shared" }),
  leastTtlMs: () => 60_000,
  random: () => 0,
  report: ({ kind }) => console.log(kind),
  firstMs: 1,
  pauseMs: 100,
});
check.start();
const alive = setInterval(() => {}, 1_000);
await hasBegun;
clearInterval(alive);
await check.stop();
console.log("stopped");
`;

it("a look for drift that is under way does not keep a process from its orderly end", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", ENDING]);
  expect(stdout).toBe("away\nstopped\n");
});
