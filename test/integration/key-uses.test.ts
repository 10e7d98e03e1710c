import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { fingerprintOf } from "../../src/domain/fingerprint.js";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { connectEnvoy } from "./envoy-client.js";
import { startShared } from "./redis-service.js";
import { type Answer, connect, startService, temporaryDirectory } from "./running-service.js";

const ADMIN = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

const policyWith = (key: string) => `
version: 1
organization: acme
workspaces:
  dev: { models: ["*"], upstream_key: { file: ${key} } }
  lab: { models: ["*"], upstream_key: { env: LAB } }
roles: { engineer: { models: ["*"] } }
principals:
  ci: { role: engineer, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("ci")}" }] }
  idle: { role: engineer, workspace: lab, credentials: [{ api_key_sha256: "${apiKeyHashOf("idle")}" }] }
`;

async function start() {
  const directory = temporaryDirectory();
  const key = join(directory, "key");
  writeFileSync(key, "key-one");
  const path = join(directory, "envoy.sock");
  const running = await startService(policyWith(key), {
    envoy: { listen: [{ kind: "unix", path }], peers: [] },
    identity: { kind: "credential" },
    admin: ADMIN,
  });
  const port = /admin port on http:\/\/\S+:(\d+)/.exec(running.lines.join("\n"))?.[1];
  return {
    ...running,
    envoy: connectEnvoy(`unix:${path}`),
    rotate: (next: string) => {
      writeFileSync(`${key}.next`, next);
      renameSync(`${key}.next`, key);
    },
    keys: async (): Promise<Answer> => (await fetch(`http://127.0.0.1:${port}/v1/keys`)).json(),
  };
}

const BY_KEY = { headers: { authorization: `Bearer ${apiKeyOf("ci")}` } };
const INSTANT = expect.stringMatching(/^20\d\d-\d\d-\d\dT[\d:.]+Z$/);

describe("GET /v1/keys of a running service", () => {
  it("tells the keys of Envoy's calls, of callers and of Mistral, and those that nobody used", async () => {
    const { envoy, keys } = await start();
    const inForce = (name: string, workspace: string) => ({
      fingerprint: fingerprintOf(name),
      workspaces: [workspace],
    });
    const before = await keys();
    expect(before.callers.map((one: { last_used: unknown }) => one.last_used)).toEqual([null, null]);
    expect(before.since).toEqual(INSTANT);
    expect((await envoy.check(BY_KEY)).status).toBe(0);
    expect(await keys()).toEqual({
      since: before.since,
      callers: [
        {
          key_id: apiKeyOf("ci").slice(3, 11),
          api_key_sha256: apiKeyHashOf("ci"),
          principal: "ci",
          last_used: INSTANT,
        },
        { key_id: null, api_key_sha256: apiKeyHashOf("idle"), principal: "idle", last_used: null },
      ],
      upstream: [
        { ...inForce("key-one", "dev"), last_used: INSTANT, in_use: true },
        { ...inForce("key-of-LAB", "lab"), last_used: null, in_use: true },
      ],
    });
  });

  it("tells a key that was rotated from the one after it", async () => {
    const { envoy, rotate, keys } = await start();
    await envoy.check(BY_KEY);
    rotate("key-two");
    await askUntil(
      5_000,
      () => envoy.check(BY_KEY),
      ({ headers }) => headers["authorization"] === "Bearer key-two",
    );
    const { upstream } = await keys();
    const told = upstream.map((one: { fingerprint: string; in_use: boolean }) => [one.fingerprint, one.in_use]);
    expect(told).toEqual([
      [fingerprintOf("key-two"), true],
      [fingerprintOf("key-of-LAB"), true],
      [fingerprintOf("key-one"), false],
    ]);
  });

  it("tells of API keys that callers show over gRPC, and shows none", async () => {
    const { address, keys } = await start();
    const client = connect(address, credentials.createInsecure(), `Bearer ${apiKeyOf("idle")}`);
    await client.checkBudget({});
    const told = await keys();
    expect(told.callers[1]).toMatchObject({ key_id: apiKeyOf("idle").slice(3, 11), last_used: INSTANT });
    expect(JSON.stringify(told)).not.toMatch(/wb_|key-one|key-of-LAB/);
  });
});

describeWith(["redis-server"], "GET /v1/keys of replicas that share Redis", () => {
  it("tells the same of both", async () => {
    const { url } = await startRedis();
    const policy = `
version: 1
organization: acme
workspaces: { dev: { models: ["*"] } }
roles: { engineer: { models: ["*"] } }
principals:
  ci: { role: engineer, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("ci")}" }] }
`;
    const [one, two] = [
      await startShared(policy, url, { proves: true }),
      await startShared(policy, url, { proves: true }),
    ];
    one.client.metadata.set("authorization", `Bearer ${apiKeyOf("ci")}`);
    await one.client.checkBudget({});
    const told = async ({ get }: typeof one) => JSON.parse((await get("/v1/keys")).text);
    const [here, there] = [await told(one), await told(two)];
    expect(here.callers).toMatchObject([{ principal: "ci", last_used: INSTANT }]);
    expect(there).toEqual(here);
  });
});
