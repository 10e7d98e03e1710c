import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { directory, POLICY } from "./policy-files.js";
import { runCli } from "./run-cli.js";

const ADA = "principal: ada, role: developer, workspace: dev";

/** Write a suite beside the policy that it names, and run it. */
async function tested(cases: string, args: readonly string[] = [], policy = POLICY) {
  const home = directory();
  const file = join(home, "suite.yaml");
  writeFileSync(join(home, "policy.yaml"), policy);
  writeFileSync(file, `policy: policy.yaml\nat: 2026-11-29T12:00:00Z\n${cases}`);
  const ran = await runCli(["policy", "test", file, ...args]);
  return { ...ran, home, stdout: ran.stdout.replaceAll(`${home}/`, ""), stderr: ran.stderr.replaceAll(`${home}/`, "") };
}

/** One case, on a line each. */
function oneCase(...lines: readonly string[]): string {
  return `cases:\n  - name: one\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

const CALL = `request: { ${ADA}, model: codestral-latest, input_tokens: 1000, max_output_tokens: 500 }`;

describe("policy test", () => {
  test("finds that the policy to start from comes to what its suite says", async () => {
    expect(await runCli(["policy", "test", "deploy/policy.test.yaml"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^deploy\/policy\.test\.yaml: 6 passed /),
    });
  });

  test("passes where all comes to what is expected, of every field", async () => {
    const { code, stdout, stderr } = await tested(`cases:
  - name: a developer may not use the large model
    request: { ${ADA}, model: mistral-large-latest }
    expect:
      decision: deny
      reason: MODEL_NOT_ALLOWED
      http_status: 403
      message: does not allow model mistral-large-2512
      model: mistral-large-2512
      retry_after: none
  - name: a month ends with its money
    given: { workspaces.dev.usd_per_month: 49.99975, roles.developer.tokens_per_day: 499_000 }
    ${CALL}
    expect:
      decision: deny
      limit: workspaces.dev.usd_per_month
      limits: [workspaces.dev.usd_per_month, roles.developer.tokens_per_day]
      retry_after: 36h
      remaining: { workspaces.dev.usd_per_month: 0.00025, roles.developer.tokens_per_day: 1_000 }
  - name: what is left is enough, to the last nano-dollar
    given: { workspaces.dev.usd_per_month: 49.99925 }
    ${CALL}
    expect: { reason: ALLOWED, cost_usd: 0.00075, max_output_tokens: 500, remaining: { workspaces.dev.usd_per_month: 0 } }
  - name: calls under way fill what they may, in shadow
    given: { workspaces.prod.concurrent_requests: 1 }
    request: { principal: search-service, model: mistral-embed, input_tokens: 1 }
    expect: { decision: allow, shadow_denials: [workspaces.prod.concurrent_requests] }
  - name: who claims another role is no caller
    request: { principal: search-service, role: developer, model: mistral-embed }
    expect: { fault: PERMISSION_DENIED }
`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^suite\.yaml: 5 passed \(policy [0-9a-f]{16} of policy\.yaml\)\n$/);
  });

  test("shows what was expected and what was got, how full the limits were, and what would have passed", async () => {
    const { code, stdout } = await tested(
      oneCase(
        "given: { roles.developer.tokens_per_day: 498_800 }",
        CALL,
        "expect: { decision: allow, cost_usd: 0.5, remaining: { roles.developer.tokens_per_day: 3 } }",
      ),
    );
    expect(code).toBe(1);
    expect(stdout.split("\n").map((line) => line.replace(/ {2,}/g, "  "))).toEqual([
      "failed: suite.yaml:4:5: one",
      "  FIELD  EXPECTED  GOT",
      "  decision  allow  deny (TOKEN_BUDGET_EXCEEDED)",
      "  cost_usd  $0.50  none",
      "  remaining roles.developer.tokens_per_day  3 tokens  1200 tokens",
      "",
      expect.stringMatching(
        /^ {2}roles\.developer\.tokens_per_day: this call needs 1500 tokens, with 1200 of 500000 left/,
      ),
      "",
      "  LIMIT  CEILING  USED  RESERVED  LEFT  NEEDED",
      "  organization (acme)",
      "  usd_per_month  $3000.00  $0.00  $0.00  $3000.00  $0.00075  passes",
      "  workspaces.dev",
      "  requests_per_minute  2  0  0  2  1  passes",
      "  usd_per_month  $50.00  $0.00  $0.00  $50.00  $0.00075  passes",
      "  roles.developer (ada)",
      "  tokens_per_day  500,000  498,800  0  1,200  1,500  refuses",
      "  tokens_per_request  2,000  0  0  2,000  1,500  passes",
      "",
      "  the largest max_output_tokens that passes with this model and this input: 200",
      "",
      expect.stringMatching(/^suite\.yaml: 1 failed, 0 passed \(/),
      "",
    ]);
  });

  test("names models that would have passed in place of one that a rule refuses", async () => {
    const call = `request: { ${ADA}, model: mistral-large-latest, input_tokens: 10, max_output_tokens: 10 }`;
    const { code, stdout } = await tested(oneCase(call, "expect: { decision: allow }"));
    expect(code).toBe(1);
    expect(stdout).toContain("  workspace dev does not allow model mistral-large-2512\n");
    expect(stdout).toContain("  models that would pass, cheapest first: mistral-small-2603, codestral-2508\n");
  });

  test("plays steps: calls, settlements and time", async () => {
    const small = `{ ${ADA}, model: codestral-latest, input_tokens: 100, max_output_tokens: 100`;
    const { code, stdout } = await tested(`cases:
  - name: a day of a developer
    steps:
      - request: ${small} }
      - request: ${small}, request_id: second }
        expect: { remaining: { roles.developer.tokens_per_day: 499_600, workspaces.dev.requests_per_minute: 0 } }
      - request: ${small} }
        expect: { reason: RATE_LIMITED, limit: workspaces.dev.requests_per_minute, retry_after: 1m6s }
      - settle: { of: second, input_tokens: 100, output_tokens: 10 }
        expect: { cost_usd: 0.000039, remaining: { roles.developer.tokens_per_day: 499_690 } }
      - wait: 1m6s
      - request: ${small} }
        times: 2
        expect: { decision: allow }
      - settle: { outcome: failed }
        expect: { cost_usd: 0 }
      - wait: 12h
      - request: ${small} }
        expect: { remaining: { roles.developer.tokens_per_day: 499_800 } }
`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^suite\.yaml: 1 passed /) });
  });

  test("says in which step and which time a case failed, and that a request must be allowed unless it says otherwise", async () => {
    const call = `request: { ${ADA}, model: mistral-embed, input_tokens: 1 }`;
    const { code, stdout } = await tested(
      oneCase("steps:", `  - { wait: 1s }`, `  - { ${call}, times: 5 }`, `  - { ${call}, expect: { decision: deny } }`),
    );
    expect(code).toBe(1);
    expect(stdout).toContain("  in step 2 (request, time 3)\n");
    expect(stdout).toContain("deny (RATE_LIMITED)");
  });

  test("says that there is nothing to settle where the call was refused", async () => {
    const call = `{ ${ADA}, model: mistral-large-latest }`;
    const { code, stdout } = await tested(
      oneCase("steps:", `  - { request: ${call}, expect: { decision: deny } }`, "  - { settle: { input_tokens: 1 } }"),
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/in step 2 \(settle\)\n.*\n +settle +a call that was allowed +none that is not settled\n/);
  });

  test("settles the last call that was allowed, then the one before", async () => {
    const call = `{ ${ADA}, model: mistral-embed, input_tokens: 100 }`;
    const left = (tokens: number) => `expect: { remaining: { roles.developer.tokens_per_day: ${tokens} } }`;
    const { code, stdout } = await tested(
      oneCase(
        "steps:",
        `  - { request: ${call.replace("100", "300")} }`,
        `  - { request: ${call}, ${left(499_600)} }`,
        `  - { request: ${call}, expect: { reason: RATE_LIMITED } }`,
        `  - { settle: { input_tokens: 10 }, ${left(499_690)} }`,
        `  - { settle: { input_tokens: 20 }, ${left(499_970)} }`,
        `  - { settle: { input_tokens: 20 }, ${left(499_970)} }`,
      ),
    );
    expect(code).toBe(1);
    expect(stdout).toContain("  in step 6 (settle)\n");
  });

  test("begins each case on counters of its own", async () => {
    const call = `request: { ${ADA}, model: mistral-embed, input_tokens: 1 }, expect: { remaining: { workspaces.dev.requests_per_minute: 1 } }`;
    const { code } = await tested(`cases:\n  - { name: one, ${call} }\n  - { name: two, ${call} }\n`);
    expect(code).toBe(0);
  });

  test("knows callers by what they prove", async () => {
    const policy = `version: 1
workspaces: { dev: { models: [mistral-embed] } }
roles: { senior: { models: ["*"] } }
principals: { indexer: { role: senior, workspace: dev, credentials: [{ spiffe: spiffe://acme/indexer }] } }
trust:
  - jwt: { issuer: "https://idp.acme.example", audience: wb, jwks: "https://idp.acme.example/jwks" }
    principal: { claim: sub }
    role: { claim: level, map: { "3": senior } }
    workspace: dev
`;
    const token = 'iss: "https://idp.acme.example", aud: wb, sub: ada';
    const { code, stdout } = await tested(
      `defaults: { request: { model: mistral-embed, input_tokens: 1 } }
cases:
  - { name: by certificate, request: { spiffe: spiffe://acme/indexer }, expect: { decision: allow } }
  - { name: by token, request: { claims: { ${token}, level: 3 } }, expect: { decision: allow } }
  - { name: by token of no role, request: { claims: { ${token}, level: 4 } }, expect: { reason: UNKNOWN_ROLE } }
  - { name: by nothing, request: { claims: {} , principal: indexer }, expect: { reason: UNKNOWN_PRINCIPAL } }
`,
      [],
      policy,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^suite\.yaml: 4 passed /) });
  });

  test.each([
    [
      "{ workspaces.dv.usd_per_month: 1 }",
      'the policy has no limit "workspaces.dv.usd_per_month"; did you mean workspaces.dev.usd_per_month?',
    ],
    [
      "{ roles.developer.tokens_per_day: { used: 1, workspace: dve } }",
      'given."roles.developer.tokens_per_day".workspace: unknown workspace "dve"; did you mean dev?',
    ],
    ["{ roles.senior.tokens_per_request: 1 }", "a limit of each call alone, which counts nothing; remove it"],
    ["{ workspaces.dev.requests_per_minute: 0.5 }", "no number that this limit can count; "],
    ["{ workspaces.dev.usd_per_month: 9_007_199.254740992 }", "no number that this limit can count; "],
    [
      "{ workspaces.dev.usd_per_month: { used: 1, principal: ada } }",
      "nothing that workspaces.dev.usd_per_month depends on; remove it",
    ],
  ])("refuses to be given %s", async (given, line) => {
    const { code, stdout, stderr } = await tested(oneCase(`given: ${given}`, CALL, "expect: { decision: deny }"));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^suite\.yaml:5:\d+: cases\[0\]\.given/);
    expect(stderr).toContain(line);
  });

  test("asks whose a role's counter is, unless it is the first caller's", async () => {
    const call = CALL.replace("role: developer, workspace: dev", "role: senior, workspace: prod");
    const amount = "roles.developer.tokens_per_day";
    const bare = await tested(oneCase(`given: { ${amount}: 1 }`, call, "expect: { decision: allow }"));
    expect(bare.code).toBe(2);
    expect(bare.stderr).toContain("a role's limit, and the first request's caller has the role senior; say whose: ");

    const said = await tested(`cases:
  - name: whose it is
    given: { ${amount}: { used: 499_999, principal: bob, workspace: dev } }
    steps:
      - ${CALL}
      - ${CALL.replace("ada", "bob")}
        expect: { limit: ${amount} }
`);
    expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: "" });
  });

  test.each([
    ["limit: roles.develper.tokens_per_day", "did you mean roles.developer.tokens_per_day?"],
    ["limits: [workspaces.dev.usd_per_moon]", "did you mean workspaces.dev.usd_per_month?"],
    ["remaining: { organization.usd_per_mont: 1 }", "did you mean organization.usd_per_month?"],
    ["remaining: { roles.developer.tokens_per_day: 0.5 }", "no number that this limit can count"],
  ])("refuses to expect %s", async (expectation, line) => {
    const { code, stderr } = await tested(oneCase(CALL, `expect: { ${expectation} }`));
    expect(code).toBe(2);
    expect(stderr).toContain(line);
  });

  test("tells faults of the policy and of every suite, and runs those that are sound", async () => {
    const sound = await tested(oneCase(CALL, "expect: { decision: allow }"));
    const [broken, lost] = ["broken.yaml", "lost.yaml"].map((name) => join(sound.home, name));
    writeFileSync(broken ?? "", "policy: { version: 2 }\ncases: []\n");
    writeFileSync(lost ?? "", `policy: nowhere.yaml\n${oneCase(CALL, "expect: { decision: allow }")}`);
    const { code, stdout, stderr } = await runCli([
      "policy",
      "test",
      broken ?? "",
      join(sound.home, "suite.yaml"),
      lost ?? "",
    ]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/suite\.yaml: 1 passed /);
    expect(stderr).toContain("broken.yaml:1:20: policy.version: ");
    expect(stderr).toContain("broken.yaml:2:8: cases: no case");
    expect(stderr).toMatch(/lost\.yaml:1:9: policy: .*nowhere\.yaml: no such file; /);
  });

  test("runs the cases that are asked for, and at least one", async () => {
    const cases = `cases:
  - { name: Seniors may, ${CALL.replace("developer, workspace: dev", "senior, workspace: prod")}, expect: { decision: allow } }
  - { name: Juniors may not, ${CALL}, expect: { decision: deny } }
`;
    expect((await tested(cases)).code).toBe(1);
    expect(await tested(cases, ["--run", "seniors"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("1 passed"),
    });
    expect(await tested(cases, ["--run", "s*MAY"])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("1 failed, 1 passed"),
    });
    expect(await tested(cases, ["--run", "seniors mya"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "--run seniors mya: no case has a name that holds this; did you mean Seniors may?\n",
    });
  });

  test("is also JSON", async () => {
    const cases = `cases:
  - { name: right, ${CALL}, expect: { decision: allow } }
  - { name: wrong, ${CALL}, expect: { decision: deny } }
`;
    const { code, stdout } = await tested(cases, ["--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      passed: 1,
      failed: 1,
      suites: [
        {
          file: "suite.yaml",
          policy: "policy.yaml",
          cases: [
            { name: "right", line: 4, passed: true },
            {
              name: "wrong",
              passed: false,
              failure: {
                step: null,
                differences: [{ field: "decision", expected: "deny", got: "allow" }],
                largest_max_output_tokens: "1000",
              },
            },
          ],
        },
      ],
    });
  });

  test("writes JUnit's XML, whatever names hold", async () => {
    const home = directory();
    const junit = join(home, "results.xml");
    const name = String.raw`"a < b & c > 'd' ]]> \x07 \uD800 \uFFFE é \U0001F600"`;
    const { code, home: suites } = await tested(
      `cases:\n  - { name: ${name}, ${CALL}, expect: { decision: deny } }\n  - { name: fine, ${CALL}, expect: { decision: allow } }\n`,
      ["--junit", junit],
    );
    expect(code).toBe(1);
    const xml = readFileSync(junit, "utf8");
    expect(elementsOf(xml)).toEqual([
      ["testsuites", { name: "windbreak policy test", tests: "2", failures: "1", errors: "0" }],
      [
        "testsuite",
        { name: join(suites, "suite.yaml"), tests: "2", failures: "1", errors: "0", time: expect.any(String) },
      ],
      [
        "testcase",
        expect.objectContaining({ name: expect.stringMatching(/^a < b & c > 'd' \]\]> .* é 😀$/), line: "4" }),
      ],
      ["failure", { message: "decision: expected deny, got allow" }],
      ["testcase", expect.objectContaining({ name: "fine" })],
    ]);
    expect(xml).not.toMatch(/[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u);
  });

  test("tells a suite at fault in JUnit's XML too", async () => {
    const junit = join(directory(), "results.xml");
    const { code } = await tested("cases: []\n", ["--junit", junit]);
    expect(code).toBe(2);
    const elements = elementsOf(readFileSync(junit, "utf8"));
    expect(elements.map(([name]) => name)).toEqual(["testsuites", "testsuite", "testcase", "error"]);
    expect(elements[0]?.[1]).toMatchObject({ tests: "1", failures: "0", errors: "1" });
  });

  test("says that the XML cannot be written", async () => {
    const { code, stderr } = await tested(oneCase(CALL, "expect: { decision: allow }"), [
      "--junit",
      join(directory(), "no/such/place.xml"),
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^--junit .*place\.xml: cannot be written \(ENOENT\); /);
  });
});

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#10": "\n" };

/** Read the elements of an XML text, in order, with their attributes. @throws where it is not well-formed. */
function elementsOf(xml: string): readonly (readonly [string, Readonly<Record<string, string>>])[] {
  const elements: [string, Record<string, string>][] = [];
  const open: string[] = [];
  const text = (raw: string) => {
    if (/[<"]/.test(raw)) throw new Error(`not escaped: ${raw}`);
    return raw.replace(/&([^;]*);?/g, (_, name: string) => {
      const meant = ENTITIES[name];
      if (meant === undefined) throw new Error(`unknown entity ${name}`);
      return meant;
    });
  };
  const [, body = ""] = xml.split('<?xml version="1.0" encoding="UTF-8"?>\n');
  let read = 0;
  for (const [whole, between = "", close = "", name = "", attributes = "", empty = ""] of body.matchAll(
    /([^<]*)(?:<(\/?)([a-z]+)((?: [a-z]+="[^"]*")*)(\/?)>|$)/g,
  )) {
    read += whole.length;
    text(between);
    if (name === "") continue;
    if (close) {
      if (open.pop() !== name) throw new Error(`${name} closes another element`);
      continue;
    }
    const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [
      key,
      text(value),
    ]);
    elements.push([name, Object.fromEntries(pairs)]);
    if (!empty) open.push(name);
  }
  if (body === "" || read !== body.length) throw new Error("not all of it is XML");
  if (open.length > 0) throw new Error(`${open.join(", ")} left open`);
  return elements;
}
