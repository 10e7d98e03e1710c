import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apiKeyHashOf } from "../support/api-keys.js";
import { eventually } from "../support/eventually.js";
import { OtlpCollector } from "../support/otlp-collector.js";
import { describeWith } from "../support/redis/describe-with.js";
import { freePort } from "../support/redis/free-port.js";
import { startRedis } from "../support/redis/redis-server.js";
import { answerMessages, chat, connectEnvoy } from "./envoy-client.js";
import { revisionOf, runToEnd, startProcess } from "./running-process.js";
import { type Answer, afterwards, statusOf, temporaryDirectory } from "./running-service.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const SAMPLED = `00-${TRACE}-${CALLER}-01`;
const UNSAMPLED = `00-${TRACE}-${CALLER}-00`;
const SERVICE = "windbreak.v1.PolicyDecisionService";

const POLICY = `
version: 1
organization: acme
workspaces:
  lab: { models: [mistral-small-latest], upstream_key: { env: LAB } }
roles:
  crew: { models: ["*"], limits: { requests_per_day: 3 } }
principals:
  ci: { role: crew, workspace: lab, credentials: [{ api_key_sha256: "${apiKeyHashOf("ci")}" }] }
`;
const QUESTION = {
  principal: { id: "ci" },
  model: "mistral-small-latest",
  input_tokens: 60,
  max_output_tokens: 40,
};

async function collector(options: { holds?: boolean } = {}): Promise<OtlpCollector> {
  const started = await OtlpCollector.start(options);
  afterwards(() => started.close());
  return started;
}

async function startTraced(more: { flags?: readonly string[]; env?: Record<string, string> } = {}) {
  const told = await collector();
  const service = await startProcess(POLICY, { flags: more.flags ?? [], env: { ...told.env, ...more.env } });
  return { ...service, told };
}

const named = (method: string) => (span: { name: string }) => span.name === `${SERVICE}/${method}`;

describe("a service that exports", () => {
  it("follows a call below its caller's span, and says what was decided", async () => {
    const { client, told, line } = await startTraced();
    expect((await line(/exporting (.*)/))[1]).toBe(
      `traces to ${told.url} and metrics to ${told.url}, as OTEL_… variables say`,
    );
    client.metadata.set("traceparent", SAMPLED);
    const answer = await client.authorize({ ...QUESTION, request_id: "r-1" });
    expect(answer.allowed).toBe(true);

    const span = await told.span(named("Authorize"));
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, kind: 2, status: 0 });
    expect(span.endMs).toBeGreaterThan(span.startMs);
    expect(span.attributes).toEqual({
      "rpc.system.name": "grpc",
      "rpc.method": `${SERVICE}/Authorize`,
      "rpc.response.status_code": "OK",
      "gen_ai.provider.name": "mistral_ai",
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "mistral-small-latest",
      "gen_ai.request.max_tokens": 40,
      "windbreak.principal": "ci",
      "windbreak.role": "crew",
      "windbreak.workspace": "lab",
      "windbreak.model": answer.model,
      "windbreak.request_id": "r-1",
      "windbreak.reservation_id": answer.reservation_id,
      "windbreak.reason": "allowed",
      "windbreak.cost_nano_usd": Number(answer.estimated_cost_nano_usd),
      "windbreak.degraded": false,
      "windbreak.policy_revision": revisionOf(POLICY),
    });
    expect(told.resource).toMatchObject({ "service.name": "windbreak" });
    expect(Object.keys(told.resource).filter((key) => /^(host|process)\./.test(key))).toEqual([]);
  });

  it("tells by a settlement what was used", async () => {
    const { client, told } = await startTraced();
    const { reservation_id } = await client.authorize(QUESTION);
    client.metadata.set("traceparent", SAMPLED);
    await client.recordUsage({ reservation_id, usage: { input_tokens: 50, output_tokens: 30 } });
    const span = await told.span(named("RecordUsage"));
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, status: 0 });
    expect(span.attributes).toMatchObject({
      "gen_ai.usage.input_tokens": 50,
      "gen_ai.usage.output_tokens": 30,
      "windbreak.reservation_id": reservation_id,
      "windbreak.principal": "ci",
      "windbreak.outcome": "succeeded",
      "windbreak.workspace": "lab",
    });
  });

  it("takes neither a denial nor a caller's mistake for an error", async () => {
    const { client, told } = await startTraced();
    for (let call = 0; call < 4; call += 1) await client.authorize(QUESTION);
    const denied = await told.span((span) => span.attributes["windbreak.reason"] === "rate_limited");
    expect(denied).toMatchObject({ status: 0 });
    expect(denied.attributes).toMatchObject({
      "rpc.response.status_code": "OK",
      "windbreak.limit": "roles.crew.requests_per_day",
    });
    await statusOf(client.authorize({ ...QUESTION, model: "" }));
    const misformed = await told.span((span) => span.attributes["windbreak.fault"] === "invalid_argument");
    expect(misformed).toMatchObject({ status: 0 });
    expect(misformed.attributes).toMatchObject({ "rpc.response.status_code": "INVALID_ARGUMENT" });
  });

  it("follows no call that its caller does not, and begins a trace where the caller's place is none", async () => {
    const { client, told } = await startTraced();
    client.metadata.set("traceparent", UNSAMPLED);
    await client.authorize({ ...QUESTION, request_id: "unsampled" });
    client.metadata.set("traceparent", "00-nonsense");
    await client.authorize({ ...QUESTION, request_id: "nonsense" });
    const span = await told.span((one) => one.attributes["windbreak.request_id"] === "nonsense");
    expect(span.parentSpanId).toBe("");
    expect(span.traceId).not.toBe(TRACE);
    expect(told.spans.map(({ attributes }) => attributes["windbreak.request_id"])).toEqual(["nonsense"]);
  });

  it("makes of each question of a stream a trace of its own, linked to the stream's", async () => {
    const { client, told } = await startTraced();
    client.metadata.set("traceparent", SAMPLED);
    const stream = client.authorizeStream();
    for (const id of ["s-1", "s-2"]) stream.write({ request: { ...QUESTION, request_id: id } });
    stream.end();
    stream.resume();
    await once(stream, "end");
    const spans = await Promise.all(
      ["s-1", "s-2"].map((id) => told.span((span) => span.attributes["windbreak.request_id"] === id)),
    );
    for (const span of spans) {
      expect(span).toMatchObject({ name: `${SERVICE}/AuthorizeStream`, parentSpanId: "" });
      expect(span.links).toEqual([{ traceId: TRACE, spanId: CALLER }]);
    }
    expect(new Set([TRACE, ...spans.map(({ traceId }) => traceId)]).size).toBe(3);
  });

  it("follows a call through Envoy from its client's headers to its settlement", async () => {
    const path = join(temporaryDirectory(), "envoy.sock");
    const { told } = await startTraced({ flags: ["--listen-envoy", `unix:${path}`], env: { LAB: "key" } });
    const envoy = connectEnvoy(`unix:${path}`);
    const extensions = { "windbreak.principal": "ci" };
    const { metadata } = await envoy.check({ extensions, headers: { traceparent: SAMPLED }, body: chat() });
    const check = await told.span(({ name }) => name === "envoy.service.auth.v3.Authorization/Check");
    expect(check).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, kind: 2, status: 0 });
    expect(check.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "mistral-small-latest",
      "gen_ai.request.max_tokens": 100,
      "windbreak.reason": "allowed",
      "windbreak.principal": "ci",
      "windbreak.reservation_id": metadata["windbreak_reservation_id"],
    });

    const chunks = ['{"usage":{"prompt_tokens":9,"completion_tokens":7,"total_tokens":16}}'];
    const [first, ...rest] = answerMessages({ metadata, chunks });
    const stream = envoy.process();
    stream.on("data", () => {});
    stream.write(withHeader(first, "traceparent", SAMPLED));
    for (const message of rest) stream.write(message);
    const settled = await told.span(({ name }) => name === "envoy.service.ext_proc.v3.ExternalProcessor/Process");
    expect(settled).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, status: 0 });
    expect(settled.attributes).toMatchObject({
      "gen_ai.usage.input_tokens": 9,
      "gen_ai.usage.output_tokens": 7,
      "windbreak.reservation_id": metadata["windbreak_reservation_id"],
    });
    stream.cancel();
    stream.on("error", () => {});

    await envoy.check({ extensions, body: chat({ model: "mistral-large-latest" }) });
    const refused = await told.span((span) => span.attributes["windbreak.reason"] === "model_not_allowed");
    expect(refused).toMatchObject({ status: 0, parentSpanId: "" });
    expect(refused.attributes).toMatchObject({ "windbreak.workspace": "lab", "windbreak.http_status": 403 });
  });

  it("exports the series that the admin port shows", async () => {
    const { client, told, get } = await startTraced();
    const { model } = await client.authorize(QUESTION);
    await eventually(async () => {
      expect(told.series.get(`windbreak_decisions_total allowed ${model} lab`)).toBe(1);
    });
    const { text } = await get("/metrics");
    const shown = new Set([...text.matchAll(/^# TYPE (\S+) (?:counter|gauge)/gm)].map(([, name]) => name));
    const exported = new Set([...told.series.keys()].map((series) => series.split(" ")[0]));
    expect([...exported].filter((name) => !shown.has(name))).toEqual([]);
    expect(exported.size).toBeGreaterThan(10);
  });
});

describeWith(["redis-server"], "a service that exports and shares its counters", () => {
  it("shows what Redis was asked below the step that asked for it", async () => {
    const redis = await startRedis();
    const { client, told, line } = await startTraced({ flags: ["--redis", `redis://127.0.0.1:${redis.port}/2`] });
    await line(/counter store at \S+ answers/);
    client.metadata.set("traceparent", SAMPLED);
    const { reservation_id } = await client.authorize(QUESTION);
    await client.recordUsage({ reservation_id, usage: { input_tokens: 50, output_tokens: 30 } });

    for (const [method, name] of [
      ["Authorize", "store reserve"],
      ["RecordUsage", "store settle"],
    ] as const) {
      const call = await told.span(named(method));
      const step = await told.span((span) => span.name === name);
      const command = await told.span((span) => span.kind === 3 && span.parentSpanId === step.spanId);
      expect(step).toMatchObject({ traceId: TRACE, parentSpanId: call.spanId, kind: 1, status: 0 });
      expect(command).toMatchObject({ traceId: TRACE, status: 0 });
      expect(command.name).toMatch(/^(FCALL|EVALSHA|EVAL)$/);
      expect(command.attributes).toEqual({
        "db.system.name": "redis",
        "db.operation.name": command.name,
        "db.namespace": "2",
        "server.address": "127.0.0.1",
        "server.port": redis.port,
      });
      expect(command.startMs).toBeGreaterThanOrEqual(step.startMs);
      expect(command.endMs).toBeLessThanOrEqual(call.endMs);
    }
  });

  it("shows a command that many calls share once, linked to all of them", async () => {
    const redis = await startRedis();
    const { client, told, line } = await startTraced({ flags: ["--redis", `redis://127.0.0.1:${redis.port}`] });
    await line(/counter store at \S+ answers/);
    const stream = client.authorizeStream();
    const calls = 20;
    for (let call = 0; call < calls; call += 1) stream.write({ request: { ...QUESTION, request_id: `q-${call}` } });
    stream.end();
    stream.resume();
    await once(stream, "end");
    await eventually(async () => {
      expect(told.spans.filter(named("AuthorizeStream"))).toHaveLength(calls);
    });
    const steps = told.spans.filter(({ name }) => name === "store reserve").map(({ spanId }) => spanId);
    const commands = told.spans.filter(({ kind }) => kind === 3);
    const tied = commands.flatMap(({ parentSpanId, links }) => [parentSpanId, ...links.map(({ spanId }) => spanId)]);
    expect(tied.sort()).toEqual(steps.sort());
    expect(commands.length).toBeLessThan(calls);
  });

  it("shows a store that is away as the error of its step, and the decision as none", async () => {
    const redis = await startRedis();
    const { client, told, line } = await startTraced({ flags: ["--redis", `redis://127.0.0.1:${redis.port}`] });
    await line(/counter store at \S+ answers/);
    await redis.stop();
    await line(/is away/);
    const answer: Answer = await client.authorize(QUESTION);
    expect(answer.reason).toBe("REASON_STORE_UNAVAILABLE");
    const call = await told.span((span) => span.attributes["windbreak.reason"] === "store_unavailable");
    const step = await told.span((span) => span.parentSpanId === call.spanId);
    expect(step).toMatchObject({ name: "store reserve", status: 2 });
    expect(call.status).toBe(0);
  });
});

describe("a collector that is", () => {
  it("not there delays no decision and no end, and is told of once", async () => {
    const port = await freePort();
    const env = { ...(await collector()).env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
    const service = await startProcess(POLICY, { env });
    for (let call = 0; call < 50; call += 1) await service.client.authorize({ ...QUESTION, dry_run: true });
    await service.line(/OpenTelemetry: .*/);
    const begun = performance.now();
    service.kill("SIGTERM");
    expect((await service.ended()).code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(6_000);
    expect(service.lines.filter((line) => line.includes("OpenTelemetry: ")).length).toBeLessThanOrEqual(2);
  });

  it("silent delays no decision, and the end by no more than it is given", async () => {
    const silent = await collector({ holds: true });
    const service = await startProcess(POLICY, { env: silent.env });
    for (let call = 0; call < 50; call += 1) await service.client.authorize({ ...QUESTION, dry_run: true });
    await eventually(async () => {
      expect(silent.held).toBeGreaterThan(0);
    });
    const begun = performance.now();
    service.kill("SIGTERM");
    expect((await service.ended()).code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(6_000);
    expect(service.lines.join("\n")).toContain("could not be exported in time");
  });

  it("not asked for costs nothing: nothing of OpenTelemetry's SDK is loaded", async () => {
    const at = join(temporaryDirectory(), "at-exit.cjs");
    const { writeFileSync } = await import("node:fs");
    const list = `Object.keys(require.cache).filter((file) => /sdk-node|sdk-trace|otlp|zipkin/.test(file)).length`;
    writeFileSync(at, `process.once("exit", () => process.stdout.write("loaded " + ${list}));`);
    const nodeFlags = ["--require", at];
    const loaded = async (env: Record<string, string>) => {
      const service = await startProcess(POLICY, { nodeFlags, env });
      service.kill("SIGTERM");
      return Number(/loaded (\d+)/.exec((await service.ended()).stdout)?.[1]);
    };
    expect(await loaded({})).toBe(0);
    expect(await loaded({ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" })).toBe(0);
    expect(await loaded((await collector()).env)).toBeGreaterThan(50);
  });

  it("of no matter to the commands that serve nothing", async () => {
    const { code } = await runToEnd(["policy", "schema"], { env: { OTEL_TRACES_EXPORTER: "otlp" } });
    expect(code).toBe(0);
  });
});

function withHeader(message: object | undefined, key: string, value: string): object {
  const { requestHeaders, ...rest } = message as { requestHeaders: { headers: { headers: object[] } } };
  const headers = [...requestHeaders.headers.headers, { key, rawValue: Buffer.from(value) }];
  return { ...rest, requestHeaders: { ...requestHeaders, headers: { headers } } };
}
