import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { policyFile } from "../unit/commands/policy-files.js";
import { connectEnvoy } from "./envoy-client.js";
import { keysStage } from "./keys-stage.js";
import { startService, temporaryDirectory } from "./running-service.js";

test("an audit knows by a running service which keys are used, of callers and of Mistral", async () => {
  const { keys, admin, sink, written } = await keysStage();
  await keys("issue --upstream --workspace dev");
  await keys("issue --upstream --workspace dev --show");
  const [inForce, spare] = admin.keys;
  const policy = `version: 1
workspaces: { dev: { models: ["*"], upstream_key: { file: ${sink} } } }
roles: { engineer: { models: ["*"] } }
principals:
  ci: { role: engineer, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("ci")}" }] }
`;
  const path = `${temporaryDirectory()}/envoy.sock`;
  const service = await startService(policy, {
    envoy: { listen: [{ kind: "unix", path }], peers: [] },
    admin: { kind: "tcp", host: "127.0.0.1", port: 0 },
  });
  const port = /admin port on http:\/\/\S+:(\d+)/.exec(service.lines.join("\n"))?.[1];
  const env = { WINDBREAK_ADMIN_SERVER: `127.0.0.1:${port}`, WINDBREAK_POLICY: policyFile(policy) };
  const call = await connectEnvoy(`unix:${path}`).check({ headers: { authorization: `Bearer ${apiKeyOf("ci")}` } });
  expect(call.headers["authorization"]).toBe(`Bearer ${readFileSync(sink, "utf8").trim()}`);

  const upstream = await keys("list --upstream --json", env);
  expect(upstream).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(upstream.stdout).keys).toMatchObject([
    { id: inForce?.id, in_force: true, last_used: expect.stringMatching(/^20/), never_used: false },
    { id: spare?.id, in_force: false, last_used: null, never_used: true },
  ]);
  const id = apiKeyOf("ci").slice(3, 11);
  const callers = await keys("audit --callers --json", env);
  expect(callers).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(callers.stdout).keys).toMatchObject([{ id, name: "ci", last_used: expect.stringMatching(/^20/) }]);
  expect((await keys(`revoke --callers ${id}`, env)).stdout).toContain(":5: take out of this line");

  for (const secret of [inForce?.secret, admin.adminKey, apiKeyOf("ci")]) expect(written()).not.toContain(secret);
});

test("a key in force is not revoked by a slip, nor is the admin key ever shown", async () => {
  const { keys, admin, sink, keysFile, written } = await keysStage();
  await keys("issue --upstream --workspace dev");
  expect(await keys(`revoke --upstream ${admin.keys[0]?.id}`)).toMatchObject({ code: 2 });
  writeFileSync(keysFile, readFileSync(keysFile, "utf8").replace("{ env: ADMIN_KEY }", admin.adminKey));
  expect(await keys("list --upstream")).toMatchObject({ code: 2 });
  writeFileSync(keysFile, readFileSync(keysFile, "utf8").replace(admin.adminKey, `{ file: ${sink} }`));
  expect(await keys("list --upstream")).toMatchObject({ code: 3 });
  for (const secret of [admin.adminKey, readFileSync(sink, "utf8").trim()]) expect(written()).not.toContain(secret);
});
