import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { fingerprintOf } from "../../src/domain/fingerprint.js";
import { AdminServer, type LiveKey } from "../support/mistral/admin-server.js";
import { inTime } from "../support/redis/deadlines.js";
import { afterwards, temporaryDirectory } from "./running-service.js";

const LONG = process.env["WINDBREAK_LONG_TESTS"] === "1";
const MAIN = join(import.meta.dirname, "../../dist/main.js");
const DAY = 86_400_000;
/** One start of the command, on a busy machine, with all that it loads and waits for. */
const START_MS = 30_000;
const CALL_PAUSE_MS = 5;
const STEPS = ["create", "store", "propagate", "verify", "retire", "revoke", "ended"];

const OLD: LiveKey = {
  id: "old-key",
  name: "dev-by-hand",
  secret: "MARKOLD-0123456789-abcdef",
  workspace: "w-dev",
  createdAt: Date.now() - 100 * DAY,
};

/** What a running server tells of the keys that readers use. */
async function witness(uses: ReadonlyMap<string, number>): Promise<string> {
  const server = createServer((_, response) => {
    const upstream = Array.from(uses, ([fingerprint, at]) => ({ fingerprint, last_used: new Date(at).toISOString() }));
    response.end(JSON.stringify({ since: new Date(0).toISOString(), callers: [], upstream }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterwards(async () => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stage() {
  const admin = await AdminServer.start({ dialect: "document", keys: [{ ...OLD }] });
  const home = temporaryDirectory();
  const sink = join(home, "mistral-dev");
  writeFileSync(sink, OLD.secret);
  const keysFile = join(home, "keys.yaml");
  writeFileSync(
    keysFile,
    `version: 1
mistral: { dialect: document, url: "${admin.url}", api_url: "${admin.apiUrl}", key: { env: ADMIN_KEY }, timeout: 5s }
rotation: { propagate: 1s, grace: 1s }
upstream: { dev: { workspace: w-dev, name: dev-team, sink: { file: ${sink} } } }
`,
  );
  const state = join(home, "state");
  const record = join(state, "rotations/dev/rotation.json");
  const uses = new Map<string, number>();
  const adminServer = await witness(uses);
  const said: string[] = [];
  const start = (): ChildProcess => {
    const args = ["keys", "rotate", "--upstream", "--keys", keysFile, "--state", state, "--workspace", "dev"];
    const more = ["--old-key", OLD.id, "--admin-server", adminServer, "--wait"];
    const child = spawn(process.execPath, [MAIN, ...args, ...more], {
      env: { ADMIN_KEY: admin.adminKey },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => said.push(text));
    }
    afterwards(async () => void child.kill("SIGKILL"));
    return child;
  };
  const journal = () => (existsSync(record) ? readFileSync(record, "utf8") : "");
  return { admin, sink, said, start, journal, uses, step: () => STEPS.indexOf(stepIn(journal())) };
}

type Stage = Awaited<ReturnType<typeof stage>>;

function stepIn(record: string): string {
  return /"step":"(\w+)"/.exec(record)?.[1] ?? "";
}

/** Call Mistral with what the sink holds, again and again. Each call has a key of its own to go by. */
function readers({ admin, sink, uses }: Stage) {
  let isOver = false;
  const outcome = { calls: 0, refused: 0 };
  const running = (async () => {
    while (!isOver) {
      const secret = readFileSync(sink, "utf8");
      uses.set(fingerprintOf(secret), Date.now());
      const headers = { authorization: `Bearer ${secret}`, "user-agent": "reader" };
      const { status } = await fetch(`${admin.apiUrl}/v1/models`, { headers });
      outcome.calls++;
      if (status !== 200) outcome.refused++;
      await pause(CALL_PAUSE_MS);
    }
  })();
  return async () => {
    isOver = true;
    await running;
    return outcome;
  };
}

/** What is seen from the outside, in the order in which it comes. */
const POINTS: readonly (readonly [string, (stage: Stage) => boolean])[] = [
  ["the keys were asked for", ({ admin }) => admin.asked("list") > 0],
  ["create is written down", ({ step }) => step() >= 0],
  ["a key is made", ({ admin }) => admin.keys.length > 1],
  ["store is written down", ({ step }) => step() >= 1],
  ["the new key is tried", ({ admin }) => admin.requests.some(isTrial)],
  ["the sink holds the new key", ({ sink }) => readFileSync(sink, "utf8") !== OLD.secret],
  ["propagate is written down", ({ step }) => step() >= 2],
  ["verify is written down", ({ step }) => step() >= 3],
  ["retire is written down", ({ step }) => step() >= 4],
  ["revoke is written down", ({ step }) => step() >= 5],
  ["the key before is gone", ({ admin }) => !admin.keys.some(({ id }) => id === OLD.id)],
];

function isTrial({ action, headers }: AdminServer["requests"][number]): boolean {
  return action === "models" && headers["user-agent"] !== "reader";
}

/** Run the command until something is seen, and kill it then. @returns whether it had not ended before. */
async function killAt(at: Stage, what: string, isSeen: (stage: Stage) => boolean): Promise<boolean> {
  const child = at.start();
  const ended = once(child, "close");
  const seen = (async () => {
    while (!isSeen(at) && child.exitCode === null) await turn();
  })();
  await inTime(START_MS, what, seen);
  child.kill("SIGKILL");
  await ended;
  return child.signalCode === "SIGKILL";
}

async function endRotation(at: Stage): Promise<void> {
  const child = at.start();
  const [code] = await inTime(START_MS, "the end of a rotation", once(child, "close"));
  expect([code, stepIn(at.journal())], at.said.join("")).toEqual([0, "ended"]);
}

async function expectRotated(at: Stage, written: readonly string[], made: ReadonlySet<string>): Promise<void> {
  expect(at.admin.keys.map(({ secret }) => secret)).toEqual([readFileSync(at.sink, "utf8")]);
  expect(at.admin.keys[0]?.id).not.toBe(OLD.id);
  const all = [...written, ...at.said].join("\n");
  const secrets = [OLD.secret, at.admin.adminKey, ...made];
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
}

describe("a rotation whose process is killed", () => {
  it.each(LONG ? [[POINTS]] : [[POINTS.filter((_, nth) => nth === 2)]])(
    "is gone on with by the next, and no call lacks a key that works",
    async (points) => {
      const at = await stage();
      const made = new Set<string>();
      const endReaders = readers(at);
      const written: string[] = [];
      const killed: string[] = [];
      for (const [what, isSeen] of points) {
        if (await killAt(at, what, isSeen)) killed.push(what);
        written.push(at.journal());
        for (const { secret } of at.admin.keys) made.add(secret);
      }
      await endRotation(at);
      written.push(at.journal());
      const { calls, refused } = await endReaders();
      expect(refused).toBe(0);
      // The last thing that is seen may be seen once all is over.
      expect(killed.length).toBeGreaterThanOrEqual(Math.max(1, points.length - 1));
      expect(calls).toBeGreaterThan(50);
      await expectRotated(at, written, made);
    },
    START_MS * 13,
  );
});
