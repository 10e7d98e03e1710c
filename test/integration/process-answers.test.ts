import { describe, expect, it } from "vitest";
import { runToEnd, startProcess } from "./running-process.js";
import { type Answer, temporaryDirectory } from "./running-service.js";

const POLICY = `version: 1
workspaces:
  dev: { models: ["*"], limits: { requests_per_day: 3, usd_per_month: 10 } }
roles:
  crew: { models: ["*"], limits: { tokens_per_day: 1000 } }
`;
const ann = { id: "ann", role: "crew", workspace: "dev" };
const small = { model: "mistral-small-latest", input_tokens: 10, max_output_tokens: 10, principal: ann };
const ANN = ["--principal", "ann", "--role", "crew", "--workspace", "dev"];
const CALL = [...ANN, "--model", "mistral-small-latest", "--input-tokens", "10", "--max-output-tokens", "10"];

describe("the admin port of the running process", () => {
  it("tells that it lives and is ready, what is left, and what was decided", async () => {
    const { client, get, address } = await startProcess(POLICY);
    for (let call = 0; call < 3; call++) await client.authorize(small);
    await client.authorize(small);
    const { policy_revision } = await client.authorize({ ...small, model: "gpt-9" });

    expect(await get("/healthz")).toMatchObject({ status: 200 });
    const ready = await get("/readyz");
    expect([ready.status, JSON.parse(ready.text)]).toEqual([
      200,
      {
        status: "ready",
        policy: "current",
        policy_revision,
        faults: [],
        store: "up",
        draining: false,
        listeners: [{ address, accepting: true }],
      },
    ]);

    const { limits, ...page } = JSON.parse((await get("/v1/limits")).text);
    expect(page).toMatchObject({ policy_revision });
    expect(limits.find(({ name }: Answer) => name === "workspaces.dev.requests_per_day")).toMatchObject({
      ceiling: "3",
      reserved: "3",
      remaining: "0",
      workspace: "dev",
      principal: "",
    });

    const { text } = await get("/metrics");
    const decisions = text.split("\n").filter((line) => line.startsWith("windbreak_decisions_total{"));
    const byReason = decisions.map((line) => [/reason="(\w+)"/.exec(line)?.[1], line.split(" ").at(-1)]);
    expect(Object.fromEntries(byReason)).toEqual({ allowed: "3", rate_limited: "1", model_unknown: "1" });
    expect(text).toMatch(/^windbreak_reservations_open 3$/m);
    expect(text).toMatch(/^windbreak_policy_stale 0$/m);
  });
});

describe("a command against the running process", () => {
  it("authorize: ends with 0 where the call is allowed, 1 where it is denied, 2 where it is none", async () => {
    const { address } = await startProcess(POLICY);
    const ask = (...flags: string[]) => runToEnd(["authorize", "--server", address, ...flags]);

    const allowed = await ask(...CALL, "--json");
    expect(allowed).toMatchObject({ code: 0, stderr: [] });
    expect(JSON.parse(allowed.stdout)).toMatchObject({ allowed: true, model: "mistral-small-2603" });

    const denied = await ask(...CALL, "--model", "gpt-9");
    expect(denied).toMatchObject({ code: 1, stderr: [] });
    expect(denied.stdout).toContain("denied: MODEL_UNKNOWN (HTTP 403)\n");

    const misnamed = await ask("--principal", "ann", "--model", "mistral-small-latest");
    expect(misnamed).toMatchObject({ code: 2, stdout: "", stderr: [expect.stringContaining("principal.role")] });
  });

  it("usage: shows what a principal has left, and all limits", async () => {
    const { address, adminPort, client } = await startProcess(POLICY);
    await client.authorize(small);
    const ann = await runToEnd(["usage", "--server", address, ...ANN]);
    expect(ann).toMatchObject({ code: 0, stderr: [] });
    expect(ann.stdout).toMatch(/^ +requests_per_day +0 +1 +3 +2 /m);
    const all = await runToEnd(["usage", "--admin-server", adminPort]);
    expect(all).toMatchObject({ code: 0, stderr: [] });
    expect(all.stdout).toMatch(/^roles\.crew \(ann in dev\)$/m);
  });

  it("reservations: lists one, gives it back, and ends with 1 where there is none", async () => {
    const { adminPort, client } = await startProcess(POLICY);
    const { reservation_id } = await client.authorize(small);
    const ask = (...args: string[]) => runToEnd(["reservations", ...args, "--admin-server", adminPort]);
    expect((await ask("list")).stdout).toContain(reservation_id);
    expect(await ask("release", reservation_id)).toMatchObject({ code: 0, stdout: `released ${reservation_id}\n` });
    expect(await ask("release", reservation_id)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: [expect.stringContaining(`${reservation_id}: no open reservation has this id`)],
    });
    expect(await ask("list")).toMatchObject({ code: 0, stdout: "no reservation is open\n" });
    expect((await client.checkBudget({ principal: ann })).limits[0]).toMatchObject({ used: 0, reserved: 0 });
  });

  it("health: ends with 0 where it serves, and 3 where nobody does", async () => {
    const { address } = await startProcess(POLICY);
    expect(await runToEnd(["health", "--server", address])).toMatchObject({ code: 0, stdout: "SERVING\n", stderr: [] });
    const nowhere = `unix:${temporaryDirectory()}/windbreak.sock`;
    expect(await runToEnd(["health", "--server", nowhere])).toMatchObject({
      code: 3,
      stdout: "",
      stderr: [
        `${nowhere}: cannot be reached (no such socket); start it by windbreak serve, or name its address by --server`,
      ],
    });
  });

  it("health: ends with 1 where the service is about to end", async () => {
    const running = await startProcess(POLICY, { flags: ["--drain-delay", "10s"] });
    running.kill("SIGTERM");
    await running.line(/ SIGTERM: draining/);
    const { address } = running;
    expect(await runToEnd(["health", "--server", address])).toMatchObject({ code: 1, stdout: "NOT_SERVING\n" });
  });
});
