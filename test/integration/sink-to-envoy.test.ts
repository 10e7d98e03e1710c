import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSink } from "../../src/keys/sinks/open-sink.js";
import { connectEnvoy } from "./envoy-client.js";
import { startService, temporaryDirectory } from "./running-service.js";

const TAKEN_UP_WITHIN_MS = 2_000;

it("A key that is stored in a file goes out with Envoy's calls within two seconds, and none goes without a key", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "key");
  writeFileSync(path, "key-before");
  const socket = join(directory, "envoy.sock");
  await startService(
    `
version: 1
organization: acme
workspaces: { dev: { models: ["*"], upstream_key: { file: ${path} } } }
roles: { engineer: { models: ["*"] } }
principals: { alice: { role: engineer, workspace: dev } }
`,
    { envoy: { listen: [{ kind: "unix", path: socket }], peers: [] } },
  );
  const envoy = connectEnvoy(`unix:${socket}`);
  const sent = async () => {
    const { headers } = await envoy.check({ extensions: { "windbreak.principal": "alice" } });
    return headers["authorization"];
  };
  expect(await sent()).toBe("Bearer key-before");

  const sink = openSink({ kind: "file", path, mode: undefined }, { variable: () => undefined });
  const storedAt = performance.now();
  const storing = sink.store("key-after");
  const seen = new Set<string | undefined>();
  while (!seen.has("Bearer key-after") && performance.now() < storedAt + TAKEN_UP_WITHIN_MS) seen.add(await sent());
  expect(await storing).toEqual({ kind: "stored" });
  expect([...seen]).toEqual(["Bearer key-before", "Bearer key-after"]);
});
