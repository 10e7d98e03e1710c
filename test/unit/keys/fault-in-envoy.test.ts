import { expect, it } from "vitest";
import { faultInEnvoy } from "../../../src/keys/fault-in-envoy.js";
import { policyOf } from "../../support/policy-words.js";

const upstreamKey = { kind: "env", name: "KEY" } as const;

it("names every workspace without a key, and what to add", () => {
  const policy = policyOf({ workspaces: { dev: {}, keyed: { upstreamKey }, ml: {} } });
  expect(faultInEnvoy(policy)).toBe(
    "workspaces: dev, ml without upstream_key, but --listen-envoy sends the calls of every workspace on; add upstream_key: { file: PATH } or { env: NAME } to each",
  );
});

it("finds nothing where every workspace has one", () => {
  expect(faultInEnvoy(policyOf({ workspaces: { dev: { upstreamKey } } }))).toBeUndefined();
});
