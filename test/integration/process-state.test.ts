import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom24 } from "../support/seeded-random.js";
import { policyFile, type RunningProcess, runToEnd, startProcess } from "./running-process.js";
import { type Answer, statusOf, temporaryDirectory } from "./running-service.js";

const ROUNDS = process.env["WINDBREAK_LONG_TESTS"] === "1" ? 100 : 5;
/** Two starts and two ends of a process, and some hundred calls, on a busy machine. */
const ROUND_DEADLINE_MS = 15_000;
const CALLERS = 20;
const INPUT = 100;
const OUTPUT = 50;

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"], limits: { usd_per_month: 9_000_000 } } }
roles:
  crew: { models: ["*"], limits: { tokens_per_month: 9_000_000_000, requests_per_month: 9_000_000 } }
`;

/** What one caller was answered, over all rounds. */
class Caller {
  readonly principal: { readonly id: string; readonly role: string; readonly workspace: string };
  readonly held = new Map<string, string>();
  readonly recorded = new Map<string, number>();
  #asked = 0;
  /** What was under way when the process was killed. */
  inDoubt: "authorize" | { readonly request: string; readonly tokens: number } | undefined;

  constructor(number: number) {
    this.principal = { id: `caller-${number}`, role: "crew", workspace: "dev" };
  }

  /** Authorize, and now and then record one of what is open. */
  async call({ client }: RunningProcess, random: () => number): Promise<void> {
    const [request, reservation_id] = [...this.held][0] ?? [];
    if (request !== undefined && random() % 3 !== 0) {
      const tokens = random() % (INPUT + 1);
      this.inDoubt = { request, tokens };
      await client.recordUsage({ reservation_id, principal: this.principal, usage: { input_tokens: tokens } });
      this.held.delete(request);
      this.recorded.set(request, tokens);
    } else {
      this.inDoubt = "authorize";
      const request_id = `request-${++this.#asked}`;
      const answer = await client.authorize({ ...small, request_id, principal: this.principal });
      expect(answer.allowed).toBe(true);
      this.held.set(request_id, answer.reservation_id);
    }
    this.inDoubt = undefined;
  }

  /** What must be counted, and what may be. */
  async check({ client }: RunningProcess): Promise<void> {
    const used = [...this.recorded.values()].reduce((sum, tokens) => sum + tokens, 0);
    const held = this.held.size * (INPUT + OUTPUT);
    const { limits } = await client.checkBudget({ principal: this.principal });
    const tokens = limits.find(({ name }: Answer) => name === "roles.crew.tokens_per_month");
    const stand = { used: Number(tokens.used), reserved: Number(tokens.reserved) };
    const sure = { used, reserved: held };
    if (this.inDoubt === undefined) expect(stand).toEqual(sure);
    else if (this.inDoubt === "authorize") {
      expect([sure, { used, reserved: held + INPUT + OUTPUT }]).toContainEqual(stand);
      const request_id = `request-${this.#asked}`;
      const { reservation_id } = await client.authorize({ ...small, request_id, principal: this.principal });
      this.held.set(request_id, reservation_id);
    } else {
      const { request, tokens } = this.inDoubt;
      const done = { used: used + tokens, reserved: held - INPUT - OUTPUT };
      expect([sure, done]).toContainEqual(stand);
      if (stand.reserved === done.reserved) {
        this.held.delete(request);
        this.recorded.set(request, tokens);
      }
    }
    this.inDoubt = undefined;
  }

  /** What the totals must say once nothing is open. */
  get total() {
    const tokens = [...this.recorded.values()].reduce((sum, one) => sum + one, 0);
    return { principal: this.principal.id, requests: String(this.recorded.size), input_tokens: String(tokens) };
  }

  /** Resend what was answered, and settle what is open. */
  async settle({ client }: RunningProcess): Promise<void> {
    for (const [request_id, reservation_id] of this.held) {
      const again = await client.authorize({ ...small, request_id, principal: this.principal });
      expect(again).toMatchObject({ allowed: true, reservation_id });
      const report = { reservation_id, principal: this.principal, usage: { input_tokens: 1 } };
      expect(await client.recordUsage(report)).toMatchObject({ already_recorded: false, unreserved: false });
      this.recorded.set(request_id, 1);
    }
    this.held.clear();
    const [first] = this.recorded.keys();
    if (first === undefined) return;
    const again = client.authorize({ ...small, request_id: first, principal: this.principal });
    expect(await statusOf(again)).toMatchObject({ code: ALREADY_EXISTS });
  }
}

function byName<T extends { readonly principal: string }>(totals: readonly T[]): Readonly<Record<string, T>> {
  return Object.fromEntries(totals.map((total) => [total.principal, total]));
}

const ALREADY_EXISTS = 6;

const small = { model: "mistral-small-latest", input_tokens: INPUT, max_output_tokens: OUTPUT };

/** Let all callers call until so many answers have come, and then kill the process while calls are under way. */
async function callUntilKilled(
  running: RunningProcess,
  callers: readonly Caller[],
  answers: number,
  random: () => number,
) {
  let left = answers;
  const calling = callers.map(async (caller) => {
    while (left > 0) {
      try {
        await caller.call(running, random);
      } catch (error) {
        if (error instanceof Error && "code" in error && left <= 0) return;
        throw error;
      }
      if (--left === 0) running.kill("SIGKILL");
    }
  });
  await Promise.all(calling);
  expect(await running.ended()).toMatchObject({ signal: "SIGKILL" });
}

describe("serve --state", () => {
  it(
    `holds all that was answered when it is killed at any moment, ${ROUNDS} times`,
    async () => {
      const directory = join(temporaryDirectory(), "state");
      const random = seededRandom24(7);
      const callers = Array.from({ length: CALLERS }, (_, number) => new Caller(number));
      for (let round = 0; round < ROUNDS; round++) {
        const first = await startProcess(POLICY, { flags: ["--state", directory] });
        await callUntilKilled(first, callers, 40 + (random() % 400), random);
        const second = await startProcess(POLICY, { flags: ["--state", directory] });
        for (const caller of callers) await caller.check(second);
        for (const caller of callers) {
          await caller.settle(second);
          await caller.check(second);
        }
        const { usage } = JSON.parse(
          (await second.get(`/v1/usage?top=1000&month=${new Date().toISOString().slice(0, 7)}`)).text,
        );
        expect(byName(usage)).toMatchObject(byName(callers.map(({ total }) => total)));
        second.kill("SIGTERM");
        expect(await second.ended()).toMatchObject({ code: 0 });
        expect(second.lines.join("\n")).not.toMatch(/ error /);
      }
    },
    ROUNDS * ROUND_DEADLINE_MS,
  );

  it("says what it restored, where without it a restart forgets", async () => {
    const directory = join(temporaryDirectory(), "deep", "state");
    const first = await startProcess(POLICY, { flags: ["--state", directory] });
    expect(first.lines.join("\n")).toContain("0 counters and 0 open reservations restored");
    expect(first.lines.join("\n")).not.toContain("forgets");
    const principal = { id: "ann", role: "crew", workspace: "dev" };
    const { reservation_id } = await first.client.authorize({ ...small, principal });
    first.kill("SIGTERM");
    expect(await first.ended()).toMatchObject({ code: 0 });

    const second = await startProcess(POLICY, { flags: ["--state", directory] });
    await second.line(
      new RegExp(`counters live in ${directory} .*: 3 counters and 1 open reservations restored, \\d+ bytes`),
    );
    expect(await second.client.recordUsage({ reservation_id, usage: { input_tokens: 7 } })).toMatchObject({
      already_recorded: false,
      unreserved: false,
    });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it("refuses a directory that another process holds", async () => {
    const directory = join(temporaryDirectory(), "state");
    const running = await startProcess(POLICY, { flags: ["--state", directory] });
    const told = ["--policy", policyFile(POLICY), "--listen", "127.0.0.1:0", "--admin", "off", "--state", directory];
    const { code, stderr } = await runToEnd(["serve", ...told]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: [expect.stringMatching(/^--state \S+: in use by process \d+; stop it, or give another directory$/)],
    });
    expect(
      await running.client.authorize({ ...small, principal: { id: "ann", role: "crew", workspace: "dev" } }),
    ).toMatchObject({ allowed: true });
  });
});
