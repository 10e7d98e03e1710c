import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { askUntil, inTime } from "./deadlines.js";
import { describeWith } from "./describe-with.js";

const VITEST = join(import.meta.dirname, "../../../node_modules/vitest/vitest.mjs");
const START_MS = 15_000;

/** A test that starts a Redis, says where, and hangs; one server is paused, as a test may leave it. */
const HANGING = `
import { writeFileSync } from "node:fs";
import { startRedis } from ${JSON.stringify(join(import.meta.dirname, "redis-server.ts"))};
test("hangs", async () => {
  const servers = [await startRedis(), await startRedis()];
  await servers[1].kill("SIGSTOP");
  const said = servers.map(({ pid, directory }) => ({ pid, directory }));
  console.log("started " + JSON.stringify({ servers: said, worker: process.pid }));
  await new Promise(() => {});
}, 60_000);
`;

interface Started {
  readonly servers: readonly { readonly pid: number; readonly directory: string }[];
  readonly worker: number;
}

/** Run the hanging test in a vitest of its own. */
async function hang(): Promise<{ runner: ChildProcess; started: Started }> {
  const root = mkdtempSync(join(tmpdir(), "hanging-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "hanging.test.ts"), HANGING);
  const args = ["run", "--root", root, "--globals", "--disable-console-intercept", "--reporter", "dot"];
  // What it says of its killed worker is no concern of whoever reads these tests' output.
  const runner = spawn(process.execPath, [VITEST, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void runner.kill("SIGKILL"));
  const started = new Promise<Started>((resolve) => {
    createInterface({ input: runner.stdout }).on("line", (line) => {
      const said = /^started (.*)/.exec(line)?.[1];
      if (said !== undefined) resolve(JSON.parse(said) as Started);
    });
  });
  return { runner, started: await inTime(START_MS, "the start of the servers", started) };
}

/** Its port would not tell: another server may have it by now. */
function isServer(pid: number): boolean {
  const told = `/proc/${pid}/cmdline`;
  return existsSync(told) && readFileSync(told, "utf8").includes("redis-server");
}

describeWith(["redis-server"], "the death of the process that started servers", () => {
  it.each(["worker", "runner"] as const)(
    "ends them and removes their directories, as the %s is killed",
    async (who) => {
      const { runner, started } = await hang();
      expect(started.servers.map(({ directory }) => existsSync(directory))).toEqual([true, true]);
      expect(started.servers.map(({ pid }) => isServer(pid))).toEqual([true, true]);
      const ended = once(runner, "exit");
      if (who === "worker") process.kill(started.worker, "SIGKILL");
      else runner.kill("SIGKILL");
      for (const { pid, directory } of started.servers) {
        await askUntil(
          START_MS,
          async () => existsSync(directory) || isServer(pid),
          (isThere) => !isThere,
        );
      }
      await inTime(START_MS, "the end of the runner", ended);
    },
  );
});
