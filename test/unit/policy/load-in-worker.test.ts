import { describe, expect, test } from "vitest";
import { loadHere } from "../../../src/policy/load-in-worker.js";

const FILE = "policy.yaml";
const SOUND = `
version: 1
organization: acme
workspaces: { dev: { models: ["*"] } }
roles: { developer: { models: [codestral-latest] } }
`;

function load(text: string) {
  return loadHere(Buffer.from(text), FILE);
}

describe("loading a policy", () => {
  test("makes a sound file a policy", async () => {
    const result = await load(SOUND);
    expect(result).toMatchObject({ kind: "ok", warnings: [], policy: { organization: "acme" } });
    expect(result.kind === "ok" && result.policy.roles.get("developer")?.models).toEqual(new Set(["codestral-2508"]));
  });

  test("writes faults as lines that name where each one stands", async () => {
    const result = await load(`${SOUND}nonsense: 1\n`);
    expect(result).toEqual({ kind: "faulty", faults: [expect.stringMatching(/^policy\.yaml:6:1: nonsense: .+; .+/)] });
  });

  test("writes warnings as lines too", async () => {
    const result = await load("version: 1\nworkspaces: { w: { models: [] } }\nroles: {}\n");
    expect(result).toMatchObject({ kind: "ok", warnings: [expect.stringMatching(/^policy\.yaml:3:1: roles: .+; .+/)] });
  });
});
