import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CATALOGUE_DATE } from "../../../src/policy/catalogue.js";
import { directory, POLICY, policyFile } from "./policy-files.js";
import { NOON, runCli } from "./run-cli.js";

const STALE = Date.parse(CATALOGUE_DATE) + 90 * 86_400_000;

describe("policy check", () => {
  test("says in one line what a sound file holds", async () => {
    const file = policyFile();
    const { code, stdout, stderr } = await runCli(["policy", "check", file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^.*policy\.yaml: policy [0-9a-f]{16} is sound: 2 workspaces, 2 roles, 2 principals, 8 limits\n$/,
    );
    expect(stdout.startsWith(`${file}: `)).toBe(true);
  });

  test("tells every fault with its place on stderr", async () => {
    const file = policyFile("version: 2\nlimits: { usd_per_moon: 1 }\n");
    const { code, stdout, stderr } = await runCli(["policy", "check", file]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const [first = "", second = "", ...rest] = stderr.split("\n");
    expect(first.startsWith(`${file}:1:10: version: `)).toBe(true);
    expect(second.startsWith(`${file}:2:11: limits.usd_per_moon: `)).toBe(true);
    expect(rest).toEqual([""]);
  });

  test("shows what a terminal would act on in the file's name as escapes", async () => {
    const home = directory();
    const [sound, faulty, missing] = ["a", "b", "c"].map((letter) => join(home, `${letter}\u001b[2J.yaml`));
    writeFileSync(sound ?? "", POLICY);
    writeFileSync(faulty ?? "", "version: 2\n");
    const said = (letter: string, rest: string) => `${join(home, `${letter}\\u{1b}[2J.yaml`)}:${rest}`;
    const ran = async (file = "") => runCli(["policy", "check", file]);
    expect((await ran(sound)).stdout).toContain(said("a", " policy "));
    expect((await ran(faulty)).stderr).toContain(said("b", "1:10: version"));
    expect((await ran(missing)).stderr).toContain(said("c", " no such file"));
  });

  test("warns that the catalogue is old, and finds the file sound", async () => {
    const { code, stdout, stderr } = await runCli(["policy", "check", policyFile()], {}, STALE);
    expect(code).toBe(0);
    expect(stdout).toContain(" is sound: ");
    expect(stderr).toMatch(/^warning: the catalogue is 90 days old .*\n$/);
  });

  test("marks what is doubtful as a warning", async () => {
    const file = policyFile("version: 1\nroles: {}\nworkspaces: { w: { models: [] } }\n");
    const { code, stderr } = await runCli(["policy", "check", file]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^.*policy\.yaml:[0-9]+:1: roles: warning: .*\n$/);
  });

  test.each([
    ["missing", () => join(directory(), "none.yaml"), "no such file; create it, or correct the path"],
    ["a directory", () => directory(), "is a directory; name the file in it"],
  ])("cannot read a file that is %s", async (_, path, what) => {
    const file = path();
    expect(await runCli(["policy", "check", file])).toEqual({ code: 2, stdout: "", stderr: `${file}: ${what}\n` });
  });
});

describe("policy schema", () => {
  test("is the JSON Schema of the file", async () => {
    const { code, stdout } = await runCli(["policy", "schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      properties: { workspaces: {}, roles: {} },
    });
  });
});

describe("policy schema --suite", () => {
  test("is the JSON Schema of suites", async () => {
    const { code, stdout } = await runCli(["policy", "schema", "--suite"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ properties: { policy: {}, cases: {} }, required: ["policy", "cases"] });
  });
});

describe("policy explain", () => {
  const ADA = ["--principal", "ada", "--role", "developer", "--workspace", "dev"];
  const explain = (args: readonly string[], text?: string) =>
    runCli(["policy", "explain", policyFile(text), ...args], { WINDBREAK_SERVER: "no address" }, NOON);
  const lines = (text: string) => text.split("\n").map((line) => line.replace(/ {2,}/g, "  "));

  test("says limit by limit why a call is too large, and what would pass", async () => {
    const call = ["--model", "codestral-latest", "--input-tokens", "500", "--max-output-tokens", "3000"];
    const { code, stdout, stderr } = await explain([...ADA, ...call]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(lines(stdout)).toEqual([
      "denied: REQUEST_TOO_LARGE (HTTP 422)",
      expect.stringMatching(/^roles\.developer\.tokens_per_request allows 2000 tokens and this call needs 3500 tokens/),
      expect.stringMatching(/^policy [0-9a-f]{16}$/),
      "",
      "LIMIT  CEILING  USED  RESERVED  LEFT  NEEDED",
      "organization (acme)",
      "  usd_per_month  $3000.00  $0.00  $0.00  $3000.00  $0.00285  passes",
      "workspaces.dev",
      "  requests_per_minute  2  0  0  2  1  passes",
      "  usd_per_month  $50.00  $0.00  $0.00  $50.00  $0.00285  passes",
      "roles.developer (ada)",
      "  tokens_per_day  500,000  0  0  500,000  3,500  passes",
      "  tokens_per_request  2,000  0  0  2,000  3,500  refuses",
      "",
      "the largest max_output_tokens that passes with this model and this input: 1,500",
      "",
      "models that the rules allow for this call, cheapest first",
      "MODEL  ENDPOINT  OUTPUT  AT MOST",
      "mistral-small-2603  chat_completions  3,000  $0.001875  refused",
      "codestral-2508  chat_completions  3,000  $0.00285  refused",
      "",
    ]);
    for (const line of stdout.split("\n").slice(2)) expect(line.length).toBeLessThanOrEqual(100);
  });

  test("says what an allowed call comes to", async () => {
    const { code, stdout } = await explain([...ADA, "--model", "codestral-latest", "--input-tokens", "500"]);
    expect(code).toBe(0);
    expect(stdout).toContain("allowed: codestral-2508, at most 1,500 output tokens, at most $0.0015\n");
    expect(stdout).toMatch(/^codestral-2508 +chat_completions +1,500 +\$0\.0015 +passes$/m);
  });

  test("knows a listed principal's role and workspace, and marks limits in shadow", async () => {
    const { code, stdout } = await explain(["--principal", "search-service", "--model", "mistral-embed"]);
    expect(code).toBe(0);
    expect(stdout).toContain("  concurrent_requests (shadow)");
    expect(stdout).toMatch(/^principals\.search-service$/m);
    // Embeddings have no output to be asked for.
    expect(stdout).not.toContain("max_output_tokens");
  });

  test("offers other models where a rule refuses the one that was asked for, and says which are retired", async () => {
    const { code, stdout } = await explain([...ADA, "--model", "mistral-large-latest"]);
    expect(code).toBe(1);
    expect(stdout).toContain("denied: MODEL_NOT_ALLOWED (HTTP 403)\n");
    expect(stdout).not.toContain("LIMIT");
    expect(stdout).toMatch(/^mistral-small-2603 .* passes$/m);

    const open = await explain([
      "--principal",
      "ada",
      "--role",
      "senior",
      "--workspace",
      "prod",
      "--model",
      "codestral-latest",
    ]);
    expect(open.stdout).toMatch(/^codestral-2501 .* passes, retired 2025-11-30$/m);
  });

  test.each([
    ["an unknown role", ["--principal", "ada", "--role", "chief", "--workspace", "dev"], "UNKNOWN_ROLE"],
    ["a disabled principal", ["--principal", "retired-service"], "PRINCIPAL_DISABLED"],
  ])("has nothing to offer to %s", async (_, principal, reason) => {
    const { code, stdout } = await explain([...principal, "--model", "mistral-embed"]);
    expect(code).toBe(1);
    expect(stdout.split("\n")).toEqual([
      `denied: ${reason} (HTTP 403)`,
      expect.any(String),
      expect.stringMatching(/^policy /),
      "",
    ]);
  });

  test("says that no output passes, or that any does", async () => {
    const tight = await explain([...ADA, "--model", "codestral-latest", "--input-tokens", "2000"]);
    expect(tight.stdout).toContain("\nno max_output_tokens passes with this model and this input\n");

    const loose = "version: 1\nworkspaces: { dev: { models: ['*'] } }\nroles: { developer: { models: ['*'] } }\n";
    const models = "models: { local: { endpoints: [chat_completions], free: true } }\n";
    const { code, stdout } = await explain([...ADA, "--model", "local"], loose + models);
    expect(code).toBe(0);
    expect(stdout).toContain("\nany max_output_tokens passes\n");
  });

  test("is also JSON, amounts as text", async () => {
    const call = ["--model", "codestral-latest", "--input-tokens", "500", "--max-output-tokens", "3000", "--json"];
    const { code, stdout } = await explain([...ADA, ...call]);
    expect(code).toBe(1);
    const said = JSON.parse(stdout);
    expect(said.decision).toMatchObject({ allowed: false, reason: "REASON_REQUEST_TOO_LARGE", http_status: 422 });
    expect(said.limits.at(-1)).toEqual({
      name: "roles.developer.tokens_per_request",
      scope_id: "ada",
      ceiling: "2000",
      used: "0",
      reserved: "0",
      remaining: "2000",
      needed: "3500",
      shadow: false,
      verdict: "refuses",
    });
    expect(said.largest_max_output_tokens).toBe("1500");
    expect(said.models).toEqual([
      {
        model: "mistral-small-2603",
        endpoint: "chat_completions",
        max_output_tokens: "3000",
        estimated_cost_nano_usd: "1875000",
        passes: false,
      },
      {
        model: "codestral-2508",
        endpoint: "chat_completions",
        max_output_tokens: "3000",
        estimated_cost_nano_usd: "2850000",
        passes: false,
      },
    ]);
  });

  test("says what keeps a question from being one", async () => {
    expect(await explain(["--model", "mistral-embed"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "principal.id: is required\n",
    });
    const { code, stderr } = await explain([...ADA, "--pages", "x"]);
    expect(code).toBe(2);
    expect(stderr.split("\n").map((line) => line.split(":")[0])).toEqual(["--model", "--pages x", ""]);
  });

  test("finds faults of the file first", async () => {
    const { code, stdout, stderr } = await explain([...ADA, "--model", "mistral-embed"], "version: 2\n");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/policy\.yaml:1:10: version: /);
  });
});
