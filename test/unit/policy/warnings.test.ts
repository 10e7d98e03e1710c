import { expect, test } from "vitest";
import { warningLines } from "./written.js";

const BASE = 'version: 1\nworkspaces: { w: { models: ["*"] } }\nroles: { r: { models: ["*"] } }\n';

test("a policy that asks for nothing unbuilt is loaded without a word", () => {
  expect(warningLines(BASE)).toEqual([]);
});

test("what is checked and not acted on is named once, where it first stands", () => {
  const content = `version: 1
roles: { r: { models: ["*"] } }
trust:
  - { spiffe: spiffe://a/*, role: r, workspace: w }
principals:
  a: { role: r, workspace: w, credentials: [{ spiffe: spiffe://b/a }] }
  b: { role: r, workspace: w, credentials: [{ spiffe: spiffe://b/b }] }
workspaces:
  v: { models: ["*"] }
  w: { models: ["*"], upstream_key: { env: KEY } }
  x: { models: ["*"], upstream_key: { env: KEY } }
notify: { ops: { webhook: https://hooks.example/ } }
`;
  expect(warningLines(content)).toEqual([
    "p:3:1: trust: credentials and trust rules are checked, but this version proves no identity by them; callers are whom they declare, or --identity fixed:ID",
    "p:10:23: workspaces.w.upstream_key: upstream keys are checked, but this version sends no call on; callers send their own Mistral key",
    "p:12:1: notify: alerts are checked, but this version sends none; watch the limits by CheckBudget",
  ]);
});

test("a principal's credentials come first where they stand first", () => {
  const content = `${BASE}principals: { a: { role: r, workspace: w, credentials: [{ spiffe: spiffe://b/a }] } }
trust: [{ spiffe: spiffe://a/*, role: r, workspace: w }]
`;
  expect(warningLines(content).map((line) => line.split(": ")[1])).toEqual(["principals.a.credentials"]);
});
