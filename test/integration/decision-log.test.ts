import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { eventually } from "../support/eventually.js";
import { answerMessages, chat, connectEnvoy } from "./envoy-client.js";
import { startProcess } from "./running-process.js";
import { connect, startService, statusOf, temporaryDirectory } from "./running-service.js";

const POLICY = `
version: 1
workspaces:
  dev: { models: ["*"], limits: { requests_per_day: 1_000_000 }, upstream_key: { env: DEV } }
roles: { crew: { models: ["*"], limits: { tokens_per_request: 5_000 } } }
principals:
  ann: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("ann")}" }] }
`;
const call = { principal: { id: "ann" }, model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
/** As large as they may be, so that few calls fill much. */
const LABELS = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`label-${index}`, "x".repeat(128)]));
const FULL_FILE = 65_536;

const logFile = () => join(temporaryDirectory(), "decisions.log");

function linesIn(text: string): readonly Record<string, unknown>[] {
  const lines = text.split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line));
}

const linesOf = (file: string) => (existsSync(file) ? linesIn(readFileSync(file, "utf8")) : []);

/** A service in this process that writes its decisions to a file. */
async function startLogged(overrides: Parameters<typeof startService>[1] = {}) {
  const file = logFile();
  const target = { kind: "file", path: file, maxBytes: 1_000_000, files: 1 } as const;
  const decisionLog = { target, share: 1 };
  const service = await startService(POLICY, { decisionLog, ...overrides });
  const lines = async (count: number) => {
    await eventually(async () => expect(linesOf(file).length).toBeGreaterThanOrEqual(count));
    return linesOf(file);
  };
  return { ...service, file, logged: lines };
}

describe("the decision log of a service", () => {
  it("holds what was decided and used by each door, and of which trace it was part", async () => {
    const { address, logged } = await startLogged();
    const client = connect(address, undefined, undefined, TRACEPARENT);
    const { reservation_id } = await client.authorize({ ...call, request_id: "r1", labels: { case: "42" } });
    await client.recordUsage({ reservation_id, usage: { input_tokens: 1, output_tokens: 1 } });
    const stream = client.authorizeStream();
    const answered = new Promise((resolve) => stream.once("data", resolve));
    stream.write({ request: { ...call, request_id: "r2", max_output_tokens: 9_999 } });
    await answered;
    stream.end();
    expect(await logged(3)).toMatchObject([
      {
        v: 1,
        kind: "decision",
        door: "grpc",
        request_id: "r1",
        reservation_id,
        trace_id: TRACE,
        labels: { case: "42" },
      },
      { kind: "settlement", door: "grpc", reservation_id, principal: "ann", trace_id: TRACE, cost_nano_usd: 750 },
      { kind: "decision", door: "stream", request_id: "r2", reason: "request_too_large", trace_id: TRACE },
    ]);
  });

  it("holds callers that prove nothing, and no secret of anybody's", async () => {
    const { address, logged, file } = await startLogged({ identity: { kind: "credential" } });
    const key = apiKeyOf("ann");
    expect((await statusOf(connect(address).authorize(call))).code).toBe(16);
    const stranger = connect(address, undefined, `Bearer ${apiKeyOf("eve")}`);
    expect((await statusOf(stranger.authorize(call))).code).toBe(16);
    const ann = connect(address, undefined, `Bearer ${key}`);
    await ann.authorize({ ...call, labels: { note: `my key is ${key}` } });
    const [nothing, wrong, allowed] = await logged(3);
    expect(nothing).toMatchObject({ reason: "unauthenticated", http_status: 401, allowed: false, door: "grpc" });
    expect(wrong).toMatchObject({ reason: "unauthenticated" });
    expect(wrong).not.toHaveProperty("principal");
    expect(allowed).toMatchObject({ allowed: true, principal: "ann" });
    const text = readFileSync(file, "utf8");
    for (const seed of ["ann", "eve"]) expect(text).not.toContain(apiKeyOf(seed).slice(12, 40));
  });

  it("holds calls through Envoy and what they used, and neither prompt, answer nor key", async () => {
    const path = join(temporaryDirectory(), "envoy.sock");
    const { logged, file } = await startLogged({ envoy: { listen: [{ kind: "unix", path }], peers: [] } });
    const envoy = connectEnvoy(`unix:${path}`);
    const body = chat({ messages: [{ role: "user", content: "MARKED-PROMPT" }] });
    const authorization = `Bearer ${apiKeyOf("ann")}`;
    const checked = await envoy.check({ body, headers: { authorization, traceparent: TRACEPARENT } });
    expect(checked.headers["authorization"]).toBe("Bearer key-of-DEV");
    const stream = envoy.process();
    const over = new Promise((resolve) => stream.once("status", resolve));
    stream.on("data", () => {});
    const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
    const answer = JSON.stringify({ choices: [{ message: { content: "MARKED-ANSWER" } }], usage });
    for (const message of answerMessages({ metadata: checked.metadata, chunks: [answer] })) stream.write(message);
    await over;
    await envoy.check({ body, extensions: { "windbreak.principal": "ann" }, path: "/v1/fine_tuning/jobs" });
    await envoy.check({ body });

    const [decided, settled, refused, unknown] = await logged(4);
    const reservation_id = checked.metadata["windbreak_reservation_id"];
    const asked = { model: "mistral-small-latest", endpoint: "chat_completions", max_output_tokens: 100, choices: 1 };
    expect(decided).toMatchObject({
      door: "envoy",
      allowed: true,
      principal: "ann",
      asked,
      reservation_id,
      trace_id: TRACE,
    });
    expect(settled).toMatchObject({
      kind: "settlement",
      door: "envoy",
      reservation_id,
      input_tokens: 7,
      output_tokens: 3,
    });
    expect(refused).toMatchObject({
      door: "envoy",
      reason: "endpoint_not_allowed",
      principal: "ann",
      workspace: "dev",
    });
    expect(unknown).toMatchObject({ door: "envoy", reason: "unauthenticated" });
    const text = readFileSync(file, "utf8");
    for (const secret of ["MARKED", "key-of-DEV", apiKeyOf("ann").slice(12, 40)]) expect(text).not.toContain(secret);
  });
});

describe("the decision log of a process", () => {
  it("is all of stdout, and its end is written when the process ends", async () => {
    const running = await startProcess(POLICY, { flags: ["--decision-log", "stdout"] });
    for (const id of ["a", "b", "c"]) await running.client.authorize({ ...call, request_id: id });
    running.kill("SIGTERM");
    const { code, stdout, stderr } = await running.ended();
    expect(code).toBe(0);
    expect(linesIn(stdout).map((line) => line["request_id"])).toEqual(["a", "b", "c"]);
    expect(stderr.join("\n")).not.toContain('"request_id"');
  });

  it("is set aside by size, and no line is torn or lost", async () => {
    const file = logFile();
    const flags = ["--decision-log", file, "--decision-log-max-bytes", String(FULL_FILE), "--decision-log-files", "9"];
    const running = await startProcess(POLICY, { flags });
    for (let batch = 0; batch < 10; batch++) {
      const ids = Array.from({ length: 8 }, (_, index) => `r${batch}-${index}`);
      await Promise.all(ids.map((id) => running.client.authorize({ ...call, request_id: id, labels: LABELS })));
    }
    running.kill("SIGTERM");
    await running.ended();
    const files = [file, ...Array.from({ length: 9 }, (_, index) => `${file}.${index + 1}`)].filter(existsSync);
    expect(files.length).toBeGreaterThan(2);
    for (const one of files) expect(readFileSync(one).length).toBeLessThanOrEqual(FULL_FILE);
    const ids = new Set(files.flatMap((one) => linesOf(one).map((line) => line["request_id"])));
    expect(ids.size).toBe(80);
  });

  it("does not keep calls waiting on a full disk, which is said once and counted", async () => {
    const running = await startProcess(POLICY, { flags: ["--decision-log", "/dev/full"] });
    expect(await running.client.authorize(call)).toMatchObject({ allowed: true });
    await running.line(/error decision log \/dev\/full: cannot be written to \(ENOSPC\)/);
    expect(await running.client.authorize(call)).toMatchObject({ allowed: true });
    running.kill("SIGTERM");
    const { code, stderr } = await running.ended();
    expect(code).toBe(0);
    expect(stderr.filter((line) => line.includes("ENOSPC"))).toHaveLength(1);
    expect(stderr.at(-1)).toMatch(/decision log: 2 lines could not be written before the end$/);
  });

  it("does not end the process when the reader of stdout goes away", async () => {
    const running = await startProcess(POLICY, { flags: ["--decision-log", "stdout"] });
    running.stdout?.destroy();
    expect(await running.client.authorize(call)).toMatchObject({ allowed: true });
    await running.line(/error decision log stdout: cannot be written to \(EPIPE\)/);
    expect(await running.client.authorize(call)).toMatchObject({ allowed: true });
    running.kill("SIGTERM");
    expect(await running.ended()).toMatchObject({ code: 0, signal: null });
  });

  it("keeps neither calls nor the end waiting for a reader of stdout that reads no more", async () => {
    const running = await startProcess(POLICY, { flags: ["--decision-log", "stdout"] });
    running.stdout?.pause();
    for (let batch = 0; batch < 40; batch++) {
      const calls = Array.from({ length: 10 }, () => running.client.authorize({ ...call, labels: LABELS }));
      await Promise.all(calls);
    }
    running.kill("SIGTERM");
    await running.line(/decision log: \d+ lines could not be written before the end/);
    running.stdout?.resume();
    expect(await running.ended()).toMatchObject({ code: 0, signal: null });
  });

  it("that cannot be opened is a fault at the start", async () => {
    const file = join(temporaryDirectory(), "missing", "d.log");
    const starting = startProcess(POLICY, { flags: ["--decision-log", file] });
    await expect(starting).rejects.toThrow(`--decision-log ${file}: cannot be written to (ENOENT)`);
  });
});
