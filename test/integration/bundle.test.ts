import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { AdminServer } from "../support/mistral/admin-server.js";
import { OtlpCollector } from "../support/otlp-collector.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { runToEnd, startProcess } from "./running-process.js";
import { afterwards, temporaryDirectory } from "./running-service.js";

const ROOT = join(import.meta.dirname, "../..");
const APP = join(ROOT, "build/app");
const main = join(APP, "dist/main.js");
const POLICY = `
version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"], limits: { requests_per_day: 3 } } }
principals: { robot: { role: crew, workspace: dev } }
`;
/** What a busy machine may take until a store that is there is found. */
const START_MS = 15_000;
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

  it("tries a key by Mistral's client, which it loads for that, and rotates by command and by schedule", async () => {
    const home = temporaryDirectory();
    const [sink, keys] = [join(home, "mistral-dev"), join(home, "keys.yaml")];
    const admin = await AdminServer.start();
    writeFileSync(
      keys,
      `version: 1
mistral: { url: "${admin.url}", api_url: "${admin.apiUrl}", key: { env: ADMIN_KEY } }
rotation: { propagate: 1s, grace: 1s }
upstream: { dev: { workspace: w-dev, owner: u1, sink: { file: ${sink} } } }
`,
    );
    const env = { ADMIN_KEY: admin.adminKey };
    const told = ["--keys", keys, "--state", join(home, "state")];
    const rotation = await runToEnd(["keys", "rotate", "--upstream", "--workspace", "dev", ...told], { main, env });
    expect(rotation).toMatchObject({ code: 0, stdout: expect.stringMatching(/^dev: stored key /m) });
    expect(readFileSync(sink, "utf8")).toBe(admin.keys[0]?.secret);
    const { line } = await startProcess(POLICY, { main, env, flags: ["--rotate", "* * * * * *", ...told] });
    await line(/key of dev: key \S+ is in force/);
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
    const { client } = await startProcess(POLICY, { main, flags: ["--redis", redis.url] });
    // It serves before it has connected, and answers by `on_store_failure` until then.
    await askUntil(
      START_MS,
      () => client.authorize(QUESTION),
      ({ allowed }) => allowed,
    );
  });
});
