import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../../support/api-keys.js";
import { directory, policyFile } from "./policy-files.js";
import { runCli } from "./run-cli.js";

const POLICY = `version: 1
workspaces: { dev: { models: ["*"] }, ml: { models: ["*"] } }
roles: { crew: { models: ["*"] }, lead: { models: ["*"] } }
principals:
  search: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("search")}" }, { spiffe: spiffe://acme/search }] }
trust:
  - jwt: { issuer: i, audience: w, jwks: https://i/k }
    principal: { claim: sub }
    role: { claim: groups, map: { leads: lead } }
    workspace: ml
  - { spiffe: "spiffe://acme/ns/*", role: crew, workspace: dev }
`;
const MODEL = ["--model", "mistral-embed"];
const ANN = { iss: "i", aud: "w", sub: "ann", groups: ["leads"] };

const explain = (...args: readonly string[]) => runCli(["policy", "explain", policyFile(POLICY), ...MODEL, ...args]);

function fileWith(text: string): string {
  const path = join(directory(), "file");
  writeFileSync(path, text);
  return path;
}

describe("policy explain, of who shows a credential", () => {
  test("says whom an API key proves, by which principal's credentials", async () => {
    const { code, stdout } = await explain("--api-key-file", fileWith(`${apiKeyOf("search")}\n`));
    expect(code).toBe(0);
    expect(stdout).toContain("\nthe API key proves search, by principals.search.credentials\n");
    expect(stdout).not.toContain(apiKeyOf("search").slice(12, 40));
  });

  test.each([
    ["as text", (text: string) => text],
    ["in a file", fileWith],
  ])("says by which trust rule claims, %s, make a principal", async (_, given) => {
    const { code, stdout } = await explain("--claims", given(JSON.stringify(ANN)));
    expect([code, stdout]).toEqual([0, expect.stringContaining("\nthe token proves ann (lead in ml), by trust[0]\n")]);
  });

  test("says by which trust rule a SPIFFE id does, and gives it as JSON", async () => {
    const id = "spiffe://acme/ns/lab";
    expect((await explain("--spiffe", id)).stdout).toContain(
      `\nthe SPIFFE id proves ${id} (crew in dev), by trust[1]\n`,
    );
    const { stdout } = await explain("--spiffe", id, "--json");
    expect(JSON.parse(stdout).proofs).toEqual([{ source: "the SPIFFE id", principal: id, by: "trust[1]" }]);
  });

  test("says why a credential proves nobody", async () => {
    const { code, stdout } = await explain("--claims", JSON.stringify({ ...ANN, groups: ["x"] }));
    expect(code).toBe(1);
    const why = "trust[0]: the map of the claim groups has nothing that the token holds";
    expect(stdout).toContain(`denied: UNKNOWN_ROLE (HTTP 403)\n${why}\n`);
    expect(stdout).toContain(`\nthe token proves nobody: ${why}\n`);
  });

  test("says what would be said over gRPC where no decision is made", async () => {
    const both = ["--spiffe", "spiffe://acme/search", "--claims", JSON.stringify(ANN)];
    const another = ["--spiffe", "spiffe://acme/search", "--principal", "ann"];
    const unknown = ["--api-key-file", fileWith(apiKeyOf("another"))];
    const answers = await Promise.all([both, another, unknown].map((args) => explain(...args)));
    expect(answers.map(({ code, stdout }) => [code, stdout])).toEqual(answers.map(() => [2, ""]));
    expect(answers.map(({ stderr }) => stderr)).toEqual([
      "the SPIFFE id means another than the token does; send one, or let both mean the same\n",
      "principal.id: ann is not what the credential proves of search; leave it empty or name what it proves\n",
      expect.stringMatching(/^the API key \w{8} is not one of the policy's; send one that the policy lists\n$/),
    ]);
  });

  test.each<[readonly string[], string]>([
    [["--claims", "{no}"], '--claims: no map in JSON; write { "iss": …, "aud": …, … }'],
    [["--claims", "[]"], "--claims []: does not exist"],
    [["--claims", "/nowhere.json"], "--claims /nowhere.json: does not exist"],
    [["--api-key-file", "/nowhere"], "--api-key-file /nowhere: does not exist; put the API key there, alone"],
    [["--spiffe", "spiffe://acme/*"], "--spiffe spiffe://acme/*: no SPIFFE id; write spiffe://trust-domain/path"],
    [["--spiffe", "spiffe://a/b", "--server", "127.0.0.1:1"], "--spiffe: says nothing to a server; "],
  ])("is refused with %j", async (args, fault) => {
    const { code, stdout, stderr } = await explain(...args);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(fault)]);
  });
});
