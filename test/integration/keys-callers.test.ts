import { describe, expect, test } from "vitest";
import { freePort } from "../support/redis/free-port.js";
import { policyFile } from "../unit/commands/policy-files.js";
import { runCli } from "../unit/commands/run-cli.js";
import { seeing, tableLines } from "./keys-stage.js";

describe("keys --callers", () => {
  const [ONE, TWO, THREE] = ["1", "2", "3"].map((digit) => digit.repeat(64));
  const POLICY = `version: 1
workspaces: { prod: { models: ["*"] } }
roles: { service: { models: ["*"] } }
principals:
  search:
    role: service
    workspace: prod
    credentials:
      - api_key_sha256: "${ONE}"   # key AAAAAAAA
      - api_key_sha256: "${TWO}"
  batch: { role: service, workspace: prod, credentials: [{ api_key_sha256: "${THREE}" }] }
`;
  const caller = (sha256: string | undefined, keyId: string | null, lastUsed: string | null) => ({
    key_id: keyId,
    api_key_sha256: sha256,
    principal: "p",
    last_used: lastUsed,
  });
  const SEEN = {
    since: "2026-10-01T00:00:00Z",
    upstream: [],
    callers: [
      caller(ONE, "AAAAAAAA", "2026-11-22T09:00:00.123Z"),
      caller(TWO, "BBBBBBBB", "2026-10-02T00:00:00Z"),
      caller(THREE, null, null),
    ],
  };
  const callers = async (line: string, seen: object | undefined = SEEN) =>
    runCli(["keys", ...line.split(" ")], {
      WINDBREAK_POLICY: policyFile(POLICY),
      WINDBREAK_ADMIN_SERVER: await seeing(seen),
    });

  test("are listed and audited by what a running server saw", async () => {
    const { code, stdout, stderr } = await callers("audit --callers");
    expect([code, stderr]).toEqual([1, ""]);
    expect(tableLines(stdout)).toEqual([
      "KEY  PRINCIPAL  WORKSPACE  LAST USE  FOUND",
      "AAAAAAAA  search  prod  2026-11-22 09:00",
      "BBBBBBBB  search  prod  2026-10-02 00:00  unused for 51 d",
      "sha256:333333333333  batch  prod  ?  not used since Windbreak looks, 2026-10-01",
      "",
      "2 of 3 keys to look at",
      "",
    ]);
  });

  test("are listed where no server tells of their use, which is said", async () => {
    const policy = policyFile(POLICY);
    const env = { WINDBREAK_ADMIN_SERVER: `127.0.0.1:${await freePort()}` };
    const { code, stdout, stderr } = await runCli(["keys", "audit", "--callers", "--policy", policy], env);
    expect([code, stdout]).toEqual([0, expect.stringContaining("nothing found in 3 keys")]);
    expect(stderr).toMatch(/^note: when callers' keys were used last is not known: /);
  });

  test.each([
    ["its id in the policy's comment", "AAAAAAAA", ":9: take out this line", "search has these keys: sha256:1"],
    ["its id as a server saw it", "BBBBBBBB", ":10: take out this line", "search has these keys: sha256:1"],
    ["the beginning of its hash", "sha256:333333333333", ":11: take out of this line", "it is the only key of batch"],
  ])("are revoked by a line of the policy, found by %s", async (_, id, line, others) => {
    const { code, stdout } = await callers(`revoke --callers ${id}`);
    expect(code).toBe(0);
    expect(stdout).toContain(line);
    expect(stdout).toContain(others);
  });

  test("that share a line with others are revoked by their part of it", async () => {
    const policy = policyFile(`version: 1
organization: acme
workspaces: { prod: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
principals: { one: { role: crew, workspace: prod, credentials: [{ api_key_sha256: "${ONE}" }] } }
`);
    const revoke = ["keys", "revoke", "--callers", "--policy", policy, "sha256:111111111111"];
    const { code, stdout } = await runCli(revoke, {});
    expect([code, stdout.split("\n")[0]]).toEqual([
      0,
      `${policy}:5: take out of this line { api_key_sha256: "${ONE}" }; once the file is saved, the key is refused`,
    ]);
  });

  test("that nobody knows are not revoked", async () => {
    expect(await callers("revoke --callers CCCCCCCC")).toMatchObject({ code: 1, stdout: "" });
    const key = `wb_AAAAAAAA_${"x".repeat(49)}`;
    const whole = await callers(`revoke --callers ${key}`);
    expect([whole.code, whole.stdout + whole.stderr]).toEqual([2, expect.not.stringContaining("x".repeat(20))]);
  });
});
