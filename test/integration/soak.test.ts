import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { type RunningProcess, startProcess } from "./running-process.js";
import { type Answer, temporaryDirectory } from "./running-service.js";
import { soak } from "./soak-load.js";

const LONG = process.env["WINDBREAK_LONG_TESTS"] === "1";
/** Of each; the first third fills what is bounded. */
const SOAK_MS = Number(process.env["WINDBREAK_SOAK_SECONDS"] ?? 180) * 1000;
const RELOAD_MS = 5_000;
/** Beyond `reservation_ttl`, what a busy machine may take until all that nobody settled has ended. */
const END_MS = 60_000;
/** What the heap may differ by from one sample to another where nothing is kept: some bytes a call. */
const SLACK_BYTES = 4e6;
/** Of a reservation, which is remembered for ten minutes. docs/performance.md: 107, and tables grow by doubling. */
const RECORD_BYTES = 300;
/** Connections of the admin port that are kept for the next scrape, and files of a policy that is being read. */
const SLACK_FILES = 8;

const policyOf = (ceiling: number) => `
version: 1
workspaces:
  dev:
    models: [mistral-small-latest]
    unsettled: release
    reservation_ttl: 20s
    limits: { usd_per_month: ${ceiling}, tokens_per_minute: 900_000_000, requests_per_month: 900_000_000 }
roles: { crew: { models: ["*"], limits: { tokens_per_month: 9_000_000_000 } } }
`;

/** Collects what is garbage, and tells what is left, whenever it is asked to. */
const TELL = `import { readdirSync } from "node:fs";
process.on("SIGUSR2", () => {
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  console.error("soak " + JSON.stringify({ held: heapUsed + external, rss, files: readdirSync("/proc/self/fd").length }));
});`;
const TOLD = ["--expose-gc", `--import=data:text/javascript,${encodeURIComponent(TELL)}`];

interface Sample {
  /** Bytes, in the heap and outside of it, after a collection. */
  readonly held: number;
  readonly rss: number;
  readonly files: number;
  /** Reservations that are open or remembered in the process; 0 where a shared store has them. */
  readonly records: number;
}

async function sample({ lines, kill, get }: RunningProcess, nth: number): Promise<Sample> {
  const { text } = await get("/metrics");
  const records = Number(/^windbreak_remembered_records(?:\{.*\})? (\S+)/m.exec(text)?.[1] ?? 0);
  const told = () => lines.filter((one) => one.startsWith("soak "));
  kill("SIGUSR2");
  await askUntil(
    END_MS,
    async () => told().length,
    (count) => count === nth,
  );
  const [last = ""] = told().slice(-1);
  return { ...JSON.parse(last.slice("soak ".length)), records };
}

/** Save the policy anew, with another ceiling, again and again. */
async function reloadUntil(file: string, isOver: () => boolean): Promise<void> {
  for (let nth = 0; !isOver(); nth++) {
    writeFileSync(`${file}.next`, policyOf(8_000_000 + (nth % 2)));
    renameSync(`${file}.next`, file);
    await pause(RELOAD_MS);
  }
}

/** What open reservations hold, over all counters. */
async function reserved({ get }: RunningProcess): Promise<number> {
  let sum = 0;
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: Answer = JSON.parse((await get(`/v1/limits${after === "" ? "" : `?after=${after}`}`)).text);
    for (const limit of page.limits) sum += Number(limit.reserved);
    after = page.next;
  }
  return sum;
}

/** Serve under steady load, and hold it to what it may take, and to what it must have counted. */
async function soakedWith(flags: readonly string[]): Promise<void> {
  const running = await startProcess(policyOf(8_000_000), { flags, nodeFlags: TOLD });
  const question = { model: "mistral-small-latest", principal: { id: "caller-0", role: "crew", workspace: "dev" } };
  await askUntil(
    END_MS,
    () => running.client.authorize({ ...question, dry_run: true }),
    ({ allowed }) => allowed,
  );
  const load = soak(running);
  const reloading = reloadUntil(running.file, load.isOver);
  await load.lasts(SOAK_MS / 3);
  const warm = await sample(running, 1);
  await load.lasts((2 * SOAK_MS) / 3);
  await load.stop();
  await reloading;
  const late = await sample(running, 2);

  console.info(`${load.calls()} calls; warm ${JSON.stringify(warm)}, late ${JSON.stringify(late)}`);
  const kept = RECORD_BYTES * Math.max(0, late.records - warm.records);
  expect(late.held - warm.held).toBeLessThan(SLACK_BYTES + kept);
  expect(late.files - warm.files).toBeLessThan(SLACK_FILES);

  await askUntil(
    END_MS,
    () => reserved(running),
    (sum) => sum === 0,
  );
  const month = new Date().toISOString().slice(0, 7);
  const { usage } = JSON.parse((await running.get(`/v1/usage?top=1000&month=${month}`)).text);
  const byPrincipal = (one: Answer, other: Answer) => (one.principal < other.principal ? -1 : 1);
  expect([...usage].sort(byPrincipal)).toMatchObject([...load.charged()].sort(byPrincipal));
  running.kill("SIGTERM");
  expect(await running.ended()).toMatchObject({ code: 0 });
  // A busy machine may keep Redis from answering for a second, which is said, and callers ask again.
  const complaints = running.lines.filter(
    (line) => / (?:warn|error) /.test(line) && !/ the counter store at /.test(line),
  );
  expect(complaints).toEqual([]);
}

describe("under steady load for minutes", () => {
  it.runIf(LONG)(
    "--state keeps no more than it remembers, holds nothing that ended, and counts all",
    async () => {
      await soakedWith(["--state", `${temporaryDirectory()}/state`]);
    },
    SOAK_MS + 4 * END_MS,
  );
});

describeWith(["redis-server"], "with Redis, under steady load for minutes", () => {
  it.runIf(LONG)(
    "a replica keeps nothing, holds nothing that ended, and counts all",
    async () => {
      const redis = await startRedis();
      await soakedWith(["--redis", redis.url, "--store-timeout", "10s"]);
    },
    SOAK_MS + 4 * END_MS,
  );
});
