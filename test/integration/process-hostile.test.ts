import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { type RunningProcess, startProcess, within } from "./running-process.js";
import { afterwards } from "./running-service.js";

const HOSTILE = join(import.meta.dirname, "../bench/hostile-peer.mjs");
/** A hard limit on open files below what a test needs makes it smaller. */
const MOST_FILES = await openFilesAllowed();
const DEADLINE_MS = 90_000;
/** All of them take a busy machine a minute. */
const PING_BYTES = process.env["WINDBREAK_LONG_TESTS"] === "1" ? 100e6 : 20e6;

const POLICY = `
version: 1
workspaces: { prod-workspace: { models: ["*"], limits: { requests_per_day: 900_000_000 } } }
roles: { developer: { models: ["*"] } }
`;
const QUESTION = {
  principal: { id: "honest", role: "developer", workspace: "prod-workspace" },
  model: "mistral-small-latest",
  input_tokens: 1,
  max_output_tokens: 1,
};

interface Attack {
  readonly attack: string;
  readonly connections?: number;
  readonly calls?: number;
  readonly perSecond?: number;
}

interface Outcome {
  readonly opened: number;
  readonly cut: number;
  readonly sent: number;
  readonly codes: Readonly<Record<string, number>>;
}

/** Attack a server from a process of its own. */
async function attack({ address }: RunningProcess, { connections = 1, calls = 1, ...more }: Attack) {
  const task = { ...more, connections, calls, port: Number(address.split(":")[1]) };
  const child = spawn(process.execPath, [HOSTILE, JSON.stringify(task)], { stdio: ["pipe", "pipe", "inherit"] });
  afterwards(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await within(DEADLINE_MS, "a word of the hostile peer", lines.next())).value);
  return {
    /** Resolves once it holds open what it was told to. */
    ready: async () => expect(await next()).toBe("ready"),
    /** Let it go, and hear how it went. */
    end: async (): Promise<Outcome> => {
      child.stdin.end();
      const said = JSON.parse(await next());
      await ended(child);
      return said;
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Ask one question after another, each answered before the next, until told to stop. */
function callHonestly({ client }: RunningProcess) {
  let isOver = false;
  let answers = 0;
  const asking = (async () => {
    while (!isOver) {
      const request_id = `honest-${answers}`;
      const answer = await client.authorize({ ...QUESTION, request_id });
      if (answer.allowed !== true || answer.request_id !== request_id) throw new Error(JSON.stringify(answer));
      answers += 1;
    }
    return answers;
  })();
  asking.catch(() => {});
  /** @returns how many were answered, and rightly; rejects where one was not. */
  return async () => {
    isOver = true;
    return asking;
  };
}

async function metric({ get }: RunningProcess, name: string): Promise<number> {
  const { text } = await get("/metrics");
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1).split(" ")[0]);
}

const cutOff = (server: RunningProcess, reason: string) =>
  metric(server, `windbreak_peers_cut_total{reason="${reason}"}`);

async function residentMib(server: RunningProcess): Promise<number> {
  return (await metric(server, "process_resident_memory_bytes")) / 2 ** 20;
}

async function openFilesAllowed(): Promise<number> {
  const child = spawn("/bin/sh", ["-c", "ulimit -Hn"], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (text) => {
    said += String(text);
  });
  await once(child, "close");
  return said.trim() === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(said);
}

/** Warm up, attack, and let an honest caller ask all the while. */
async function underAttack(what: Attack, flags: readonly string[] = []) {
  const server = await startProcess(POLICY, { flags });
  for (let index = 0; index < 200; index++) await server.client.authorize(QUESTION);
  const before = await residentMib(server);
  const stop = callHonestly(server);
  const attacker = await attack(server, what);
  return {
    server,
    attacker,
    grownMib: async () => (await residentMib(server)) - before,
    /** @returns how many answers the honest caller got. */
    stop,
  };
}

describe("the built program, while an honest caller asks on", { timeout: 120_000 }, () => {
  it("holds 10,000 idle connections in less than 400 MiB", async () => {
    const connections = Math.min(9_900, MOST_FILES - 300);
    const { server, attacker, grownMib, stop } = await underAttack({ attack: "idle", connections });
    await attacker.ready();
    // The last ones are still to be accepted.
    await eventually(async () => {
      expect(await metric(server, "windbreak_connections_open")).toBeGreaterThan(connections);
    });
    expect(await grownMib()).toBeLessThan(400);
    expect(await stop()).toBeGreaterThan(0);
    expect(await attacker.end()).toMatchObject({ opened: connections, cut: 0 });
  });

  it("bears 1,000 calls a second that are broken off at once, for 10 s, in less than 150 MiB", async () => {
    const what = { attack: "resets", calls: 10_000, perSecond: 1_000 };
    const { server, attacker, grownMib, stop } = await underAttack(what);
    const { opened, cut } = await attacker.end();
    expect(await grownMib()).toBeLessThan(150);
    expect(cut).toBeGreaterThan(0);
    expect(opened).toBe(cut + 1);
    expect(await cutOff(server, "resets")).toBe(cut);
    expect(await stop()).toBeGreaterThan(0);
  });

  it(`bears ${PING_BYTES / 1e6} MB of pings in less than 150 MiB, and says so in one line`, async () => {
    const { server, attacker, grownMib, stop } = await underAttack({ attack: "pings", calls: PING_BYTES / 17 });
    const { sent, cut } = await attacker.end();
    expect(sent).toBeGreaterThan(PING_BYTES);
    expect(await grownMib()).toBeLessThan(150);
    expect(await cutOff(server, "pings")).toBe(cut);
    expect(await stop()).toBeGreaterThan(0);
    expect(server.lines.filter((line) => line.includes("cut off (pings)"))).toHaveLength(1);
  });

  it("bears 60 KiB of metadata in each of many calls that stay open, and keeps to --max-calls", async () => {
    const what = { attack: "metadata", connections: 5, calls: 300 };
    const { server, attacker, grownMib, stop } = await underAttack(what, ["--max-calls", "500"]);
    await attacker.ready();
    await eventually(async () => expect(await cutOff(server, "too_many_calls")).toBeGreaterThan(1));
    expect(await grownMib()).toBeLessThan(300);
    expect(await stop()).toBeGreaterThan(0);
    await attacker.end();
  });

  it("holds no more half-sent calls than --max-calls", async () => {
    const what = { attack: "half_sent", connections: 5, calls: 1_000 };
    const { server, attacker, grownMib, stop } = await underAttack(what, ["--max-calls", "2000"]);
    await attacker.ready();
    await eventually(async () => expect(await cutOff(server, "too_many_calls")).toBeGreaterThan(1));
    expect(await grownMib()).toBeLessThan(400);
    expect(await stop()).toBeGreaterThan(0);
    await attacker.end();
  });

  it("stops to read from streams whose answers are not read, and has no more than 64 of them on a connection", async () => {
    const { server, attacker, grownMib, stop } = await underAttack({ attack: "unread", connections: 10, calls: 100 });
    await attacker.ready();
    await eventually(async () => expect(await cutOff(server, "too_many_streams")).toBe(360));
    expect(await grownMib()).toBeLessThan(400);
    expect(await stop()).toBeGreaterThan(0);
    await attacker.end();
  });

  it("closes 1,000 connections that say nothing", async () => {
    const { server, attacker, stop } = await underAttack({ attack: "silent", connections: 1_000 });
    await attacker.ready();
    const silent = attacker.end;
    await expect.poll(() => cutOff(server, "silent"), { timeout: 30_000, interval: 100 }).toBe(1_000);
    expect(await stop()).toBeGreaterThan(0);
    expect(await silent()).toMatchObject({ cut: 1_000 });
  });
});

describe("the built program that has no file left to open", { timeout: 60_000 }, () => {
  it("answers those who are connected, closes others, and takes them once there is room", async () => {
    const server = await startProcess(POLICY, { openFiles: 400 });
    expect(await server.client.authorize(QUESTION)).toMatchObject({ allowed: true });
    const port = Number(server.address.split(":")[1]);
    const sockets = Array.from({ length: 500 }, () => connect({ host: "127.0.0.1", port }).on("error", () => {}));
    afterwards(() => {
      for (const socket of sockets) socket.destroy();
    });
    // libuv takes and closes whom there is no room for, and tells nobody.
    await within(DEADLINE_MS, "a closed connection", Promise.race(sockets.map((one) => once(one.resume(), "close"))));
    expect(await server.client.authorize(QUESTION)).toMatchObject({ allowed: true });
    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect((await server.get("/healthz")).status).toBe(200));
  });
});
