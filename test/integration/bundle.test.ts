import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { OtlpCollector } from "../support/otlp-collector.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { runToEnd, startProcess } from "./running-process.js";
import { afterwards } from "./running-service.js";

const ROOT = join(import.meta.dirname, "../..");
const APP = join(ROOT, "build/app");
const main = join(APP, "dist/main.js");
const POLICY = `
version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"], limits: { requests_per_day: 3 } } }
principals: { robot: { role: crew, workspace: dev } }
`;
const QUESTION = { principal: { id: "robot" }, model: "mistral-small-latest", input_tokens: 1 };

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, "deploy/image/bundle.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
}, 60_000);

describe("the bundle, which the image runs", () => {
  it("knows its version, and has every command", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(await runToEnd(["--version"], { main })).toMatchObject({ code: 0, stdout: `${version}\n` });
    const schema = await runToEnd(["policy", "schema"], { main });
    expect(schema).toMatchObject({ code: 0, stdout: (await runToEnd(["policy", "schema"])).stdout });
  });

  it("reads its page, its descriptors, and a changed policy in a thread of its own", async () => {
    const { client, get, address, file, line } = await startProcess(POLICY, { main });
    expect((await client.authorize(QUESTION)).allowed).toBe(true);
    expect((await get("/page/main.js")).status).toBe(200);
    const told = execFileSync(
      join(ROOT, "node_modules/.bin/buf"),
      ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--list-methods", `http://${address}`],
      { encoding: "utf8" },
    );
    expect(told).toContain("windbreak.v1.PolicyDecisionService/Authorize\n");
    writeFileSync(file, POLICY.replace("requests_per_day: 3", "requests_per_day: 1"));
    await line(/is in force, after/);
    expect(await client.authorize(QUESTION)).toMatchObject({ allowed: false });
  });

  it("exports to OpenTelemetry, which it loads where that is asked for", async () => {
    const collector = await OtlpCollector.start();
    afterwards(() => collector.close());
    const { client } = await startProcess(POLICY, { main, env: collector.env });
    await client.authorize(QUESTION);
    await eventually(async () => expect(collector.spans.length).toBeGreaterThan(0));
  });

  it.each(["grpc", "http/protobuf"])("begins where it is to export by %s", async (protocol) => {
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
    const { client } = await startProcess(POLICY, { main, env });
    expect((await client.authorize(QUESTION)).allowed).toBe(true);
  });

  it("says from whom it is, and of none that the list of what ships does not name", () => {
    const notices = readFileSync(join(APP, "THIRD-PARTY-NOTICES"), "utf8");
    const bundled = [...notices.matchAll(/^==== (\S+) (\S+), /gm)].map(([, name, version]) => `${name}@${version}`);
    expect(bundled).toContainEqual(expect.stringMatching(/^@grpc\/grpc-js@/));
    const list = join(APP, "../bundle-test.cdx.json");
    execFileSync(process.execPath, [join(ROOT, "deploy/image/sbom.mjs"), list]);
    const { components }: { readonly components: readonly { readonly "bom-ref": string }[] } = JSON.parse(
      readFileSync(list, "utf8"),
    );
    const shipped = new Set(components.map((one) => one["bom-ref"]));
    expect(bundled.filter((one) => !shipped.has(one))).toEqual([]);
  });
});

describeWith(["redis-server"], "the bundle with Redis", () => {
  it("loads its functions", async () => {
    const redis = await startRedis();
    const { client } = await startProcess(POLICY, { main, flags: ["--redis", redis.url, "--store-timeout", "5s"] });
    expect((await client.authorize(QUESTION)).allowed).toBe(true);
  });
});
