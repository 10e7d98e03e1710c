import { expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { OtlpCollector } from "../support/otlp-collector.js";
import { freePort } from "../support/redis/free-port.js";
import { startProcess } from "./running-process.js";
import { afterwards } from "./running-service.js";

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"], limits: { requests_per_day: 1_000_000 } } }
roles: { crew: { models: ["*"], limits: { tokens_per_request: 5_000 } } }
principals: { ann: { role: crew, workspace: dev } }
`;
const CALL = { principal: { id: "ann" }, model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const TO_OTLP = ["--decision-log", "otlp"];

async function collector(options: { holds?: boolean } = {}): Promise<OtlpCollector> {
  const started = await OtlpCollector.start(options);
  afterwards(() => started.close());
  return started;
}

/** Logs alone are exported: traces and metrics have tests of their own. */
async function startLogged(told: Pick<OtlpCollector, "env">, more: { readonly env?: Record<string, string> } = {}) {
  const quiet = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" };
  return startProcess(POLICY, { flags: TO_OTLP, env: { ...told.env, ...quiet, ...more.env } });
}

it("a decision and its settlement reach a collector as log records of the caller's span", async () => {
  const told = await collector();
  const { client } = await startLogged(told, { env: { OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test" } });
  client.metadata.set("traceparent", `00-${TRACE}-${SPAN}-01`);
  const { reservation_id } = await client.authorize({ ...CALL, request_id: "r1" });
  await client.recordUsage({ reservation_id, usage: { input_tokens: 1, output_tokens: 1 } });
  await client.authorize({ ...CALL, request_id: "r2", max_output_tokens: 9_999 });
  await eventually(async () => expect(told.logs).toHaveLength(3));

  const [decided, settled, refused] = told.logs;
  const same = { severity: "INFO", traceId: TRACE, spanId: SPAN };
  expect(decided).toMatchObject({
    ...{ ...same, eventName: "windbreak.decision" },
    attributes: { "windbreak.allowed": true, "windbreak.principal": "ann", "windbreak.reservation_id": reservation_id },
  });
  expect(settled).toMatchObject({
    ...{ ...same, eventName: "windbreak.settlement" },
    attributes: { "windbreak.cost_nano_usd": 750, "windbreak.outcome": "succeeded" },
  });
  expect(refused?.attributes).toMatchObject({ "windbreak.reason": "request_too_large", "windbreak.workspace": "dev" });
  // The body is the line that a file would hold.
  const line = JSON.parse(decided?.body ?? "");
  expect(line).toMatchObject({ v: 1, kind: "decision", request_id: "r1", reservation_id, trace_id: TRACE });
  expect(Date.parse(line.time)).toBe(decided?.timeMs);
  expect(told.resource).toMatchObject({ "service.name": "windbreak", "deployment.environment.name": "test" });
});

it.each(["http/protobuf", "grpc"])(
  "a collector that is away keeps no call waiting by %s, and is said once",
  async (protocol) => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    };
    const running = await startLogged({ env: { ...env, OTEL_EXPORTER_OTLP_TIMEOUT: "200" } });
    expect(await running.client.authorize(CALL)).toMatchObject({ allowed: true });
    await running.line(
      /error decision log http:\/\/127\.0\.0\.1:\d+: cannot be written to \(.+\); see that a collector/,
    );
    expect(await running.client.authorize(CALL)).toMatchObject({ allowed: true });
    running.kill("SIGTERM");
    const { code, stderr } = await running.ended();
    expect(code).toBe(0);
    expect(stderr.filter((line) => line.includes("cannot be written to"))).toHaveLength(1);
    expect(stderr.at(-1)).toMatch(/decision log: 2 lines could not be written before the end$/);
  },
);

it("a collector that comes back is sent what waited", async () => {
  const told = await collector();
  told.status = 503;
  const running = await startLogged(told, { env: { OTEL_EXPORTER_OTLP_TIMEOUT: "200" } });
  await running.client.authorize({ ...CALL, request_id: "r1" });
  await running.line(/cannot be written to/);
  told.status = 200;
  await running.line(/decision log .*: is written again/);
  expect(told.logs.map(({ body }) => JSON.parse(body).request_id)).toEqual(["r1"]);
});

it("what a collector refuses for what it holds is given up and counted, and the next is sent", async () => {
  const told = await collector();
  told.status = 400;
  const running = await startLogged(told);
  await running.client.authorize({ ...CALL, request_id: "r1" });
  await running.line(/cannot be written to \(400\)/);
  told.status = 200;
  await running.client.authorize({ ...CALL, request_id: "r2" });
  await running.line(/is written again/);
  expect(told.logs.map(({ body }) => JSON.parse(body).request_id)).toEqual(["r2"]);
  running.kill("SIGTERM");
  expect(await running.ended()).toMatchObject({ code: 0 });
});

it("a collector that answers nothing does not hold up the end", async () => {
  const silent = await collector({ holds: true });
  const running = await startLogged(silent);
  await running.client.authorize(CALL);
  await eventually(async () => expect(silent.held).toBeGreaterThan(0));
  running.kill("SIGTERM");
  const { code, stderr } = await running.ended();
  expect(code).toBe(0);
  expect(stderr.at(-1)).toMatch(/decision log: 1 lines could not be written before the end$/);
});
