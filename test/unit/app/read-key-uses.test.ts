import { expect, it } from "vitest";
import { keysSeen } from "../../../src/app/read-key-uses.js";
import { policyOf } from "../../support/policy-words.js";

const SINCE = Date.parse("2026-11-29T12:00:00Z");
const POLICY = policyOf({});
const LISTED = new Map([
  ["hash-of-a", "ada"],
  ["hash-of-b", "bob"],
]);
const WITH_KEYS = { ...POLICY, credentials: { ...POLICY.credentials, byApiKeyHash: LISTED } };
const sent = (fingerprint: string, workspace: string, at: number) => ({
  key: { kind: "upstream", fingerprint, workspace } as const,
  at,
});

it("Keys that the policy lists are told with their last use, and others are not", () => {
  const uses = [
    { key: { kind: "caller", id: "AAAAAAAA", sha256: "hash-of-a" } as const, at: SINCE + 5 },
    { key: { kind: "caller", id: "CCCCCCCC", sha256: "hash-of-c" } as const, at: SINCE + 6 },
  ];
  expect(keysSeen(WITH_KEYS, new Map(), { kind: "uses", since: SINCE, uses })).toEqual({
    since: SINCE,
    callers: [
      { sha256: "hash-of-a", principal: "ada", id: "AAAAAAAA", lastUsed: SINCE + 5 },
      { sha256: "hash-of-b", principal: "bob", id: undefined, lastUsed: undefined },
    ],
    upstream: [],
  });
});

it("Mistral's keys are told with the workspaces that have them, those before with the workspaces that had them", () => {
  const inForce = new Map([
    ["new", ["dev"]],
    ["shared", ["ml", "lab"]],
  ]);
  const uses = [sent("old", "dev", SINCE + 1), sent("older", "dev", SINCE), sent("old", "lab", SINCE + 3)];
  const { upstream } = keysSeen(POLICY, inForce, {
    kind: "uses",
    since: SINCE,
    uses: [...uses, sent("shared", "dev", SINCE + 9)],
  });
  expect(upstream).toEqual([
    { fingerprint: "shared", workspaces: ["lab", "ml"], lastUsed: SINCE + 9, isInForce: true },
    { fingerprint: "new", workspaces: ["dev"], lastUsed: undefined, isInForce: true },
    { fingerprint: "old", workspaces: ["dev", "lab"], lastUsed: SINCE + 3, isInForce: false },
    { fingerprint: "older", workspaces: ["dev"], lastUsed: SINCE, isInForce: false },
  ]);
});
