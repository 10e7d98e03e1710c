import { describe, expect, test } from "vitest";
import { hashApiKey, parseApiKey } from "../../../src/identity/api-key.js";
import { byApiKey } from "../../../src/identity/credentials.js";
import { policyOf } from "../policy/written.js";
import { runCli } from "./run-cli.js";

const issue = (...args: readonly string[]) => runCli(["keys", "issue", ...args]);
const BASE = 'version: 1\nworkspaces: { dev: { models: ["*"] } }\nroles: { r: { models: ["*"] } }\n';

describe("keys issue", () => {
  test("writes a new key on stdout, and what the policy holds of it on stderr, which does not tell the key", async () => {
    const { code, stdout, stderr } = await issue("--callers");
    const key = stdout.trim();
    const parsed = parseApiKey(key);
    expect([code, stdout, parsed.kind]).toEqual([0, `${key}\n`, "key"]);
    expect(stderr).toBe(
      `- api_key_sha256: "${hashApiKey(key)}"   # key ${parsed.kind === "key" ? parsed.id : "none"}\n`,
    );
    expect((await issue("--callers")).stdout).not.toBe(stdout);
  });

  test("writes a principal's place in the policy, as the policy takes it", async () => {
    const { stdout, stderr } = await issue("--callers", "--principal", "ft:search#1");
    const written = stderr.replace("    credentials:", "    role: r\n    workspace: dev\n    credentials:");
    expect(byApiKey(policyOf(BASE + written), stdout.trim())).toMatchObject({ name: { id: "ft:search#1" } });
  });

  test("writes all of it as JSON where it is asked to, and nothing on stderr", async () => {
    const { code, stdout, stderr } = await issue("--callers", "--principal", "search", "--json");
    const { api_key: key, ...rest } = JSON.parse(stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(rest).toEqual({ key_id: key.slice(3, 11), api_key_sha256: hashApiKey(key), principal: "search" });
  });

  test.each([
    [[], "--callers or --upstream: missing; give --callers for a key that proves a caller"],
    [["--callers", "--upstream"], "--callers or --upstream: both given; "],
    [["--upstream"], "--keys: missing; give --keys FILE, or set WINDBREAK_KEYS"],
    [["--callers", "--workspace", "dev"], "--workspace: means nothing with --callers; leave it out"],
    [["--upstream", "--principal", "ci"], "--principal: means nothing with --upstream; leave it out"],
    [["--callers", "--principal", "a b"], "--principal a b: is no id; write printable ASCII"],
  ])("is refused with %j", async (args, fault) => {
    const { code, stdout, stderr } = await issue(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(fault);
  });
});
