import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { describeEnvoy } from "../support/envoy/describe-envoy.js";
import { placed, surroundings } from "../support/envoy/stage.js";
import { validated } from "../support/envoy/start-envoy.js";

describeEnvoy("a shipped bootstrap", (version) => {
  it.each(["sidecar", "gateway"] as const)("passes Envoy's own judgement without a warning: %s", async (bootstrap) => {
    const around = await surroundings();
    const said = await validated({ version, ...placed(bootstrap, around, "127.0.0.1:1") });
    expect(said).toMatch(/OK$/m);
    expect(said).not.toMatch(/\[(warning|error|critical)\]/);
  });
});

it("the shipped bootstraps guard alike but for who the caller is", () => {
  const [sidecar, gateway] = ["sidecar", "gateway"].map((name) => guardOf(name));
  expect(sidecar).toEqual(gateway);
});

/** What handles a call, without how the listener tells callers apart. */
function guardOf(name: string) {
  const file = join(import.meta.dirname, `../../deploy/envoy/${name}.yaml`);
  const listener = parse(readFileSync(file, "utf8"), { merge: true }).static_resources.listeners[0];
  const { http2_protocol_options: _, ...manager } = listener.filter_chains[0].filters[0].typed_config;
  const [{ typed_per_filter_config: __, ...host }] = manager.route_config.virtual_hosts;
  return { ...manager, route_config: { ...manager.route_config, virtual_hosts: [host] } };
}
