import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { formatFault } from "../../../src/policy/faults.js";
import { suiteJsonSchema } from "../../../src/policy/json-schema.js";
import { readSuite, type SuiteRead } from "../../../src/policy/read-suite.js";

function read(text: string): SuiteRead {
  return readSuite(new TextEncoder().encode(text), "s");
}

/** The lines of a suite's faults, under the file name `s`; none where it is sound. */
function faults(text: string): readonly string[] {
  const result = read(text);
  return result.kind === "faulty" ? result.faults.map(formatFault) : [];
}

const ASK = "request: { principal: ann, model: chat }";
const SOUND = `policy: policy.yaml
at: 2026-11-29T12:00:00+01:00
defaults: { request: { model: chat } }
cases:
  - name: one request
    given: { roles.junior.tokens_per_day: 1_000, roles.senior.usd_per_day: { used: 0.5, principal: ann, workspace: dev } }
    request: { principal: ann }
    expect: { decision: deny, retry_after: none, cost_usd: 0.000000001, remaining: { roles.junior.tokens_per_day: 3 } }
  - name: steps
    at: 2026-01-31T12:00:00Z
    steps:
      - request: { claims: { sub: ann, level: 3, rate: 0.5, groups: [a, true] }, request_id: q1 }
        times: 3
      - wait: 1h30m
      - settle: { of: q1, outcome: failed }
        expect: { cost_usd: 0 }
`;

describe("a suite", () => {
  test("is read with its values", () => {
    const result = read(SOUND);
    expect(faults(SOUND)).toEqual([]);
    if (result.kind === "faulty") return;
    const [first, second] = result.suite.cases;
    expect(result.suite.at).toBe(Date.UTC(2026, 10, 29, 11));
    expect(first?.given).toEqual({
      "roles.junior.tokens_per_day": { used: 1_000_000_000_000n },
      "roles.senior.usd_per_day": { used: 500_000_000n, principal: "ann", workspace: "dev" },
    });
    expect(first?.expect).toMatchObject({ retry_after: "none", cost_usd: 1 });
    expect(second?.steps?.[0]?.request?.claims).toEqual({ sub: "ann", level: 3, rate: 0.5, groups: ["a", true] });
    expect(second?.steps?.[1]).toEqual({ wait: 5_400_000 });
    expect(result.placeOf(["cases", 1])).toEqual({ line: 9, column: 5 });
  });

  test("may hold its policy, whose faults are told where they stand", () => {
    const inline = (models: string) => `policy:
  version: 1
  workspaces: { dev: { models: ${models} } }
  roles: { junior: { models: ["*"] } }
cases: [{ name: one, ${ASK}, expect: { decision: allow } }]
`;
    const result = read(inline('["*"]'));
    expect(result.kind === "ok" && result.inline?.workspaces.has("dev")).toBe(true);
    expect(faults(inline("[mistral-smal-latest]"))).toEqual([
      's:3:33: policy.workspaces.dev.models[0]: unknown model "mistral-smal-latest"; did you mean mistral-small-latest?',
    ]);
    expect(faults(inline("{}").replace("roles:", "rolls:"))).toEqual([
      expect.stringMatching(/^s:3:32: policy\.workspaces\.dev\.models: expected a list of models, found a map; /),
      "s:4:3: policy.rolls: unknown key; did you mean roles?",
    ]);
  });

  test.each([
    ["no policy", "cases: []", "s:1:1: policy: missing; add `policy: policy.yaml`, from where this file lies"],
    [
      "another kind of policy",
      "policy: 5",
      "s:1:9: policy: expected the policy's path as text, or the policy as a map, found the number 5; quote it",
    ],
    ["no case", "policy: p\ncases: []", "s:2:8: cases: no case; add one: a suite without any proves nothing"],
    ["an unknown key", "policy: p\ncase: []", "s:2:1: case: unknown key; did you mean cases?"],
    ["no instant", "policy: p\nat: 2026-11-29", 's:2:5: at: "2026-11-29" is not an instant; '],
    [
      "a day of no calendar",
      "policy: p\nat: 2026-13-29T00:00:00Z",
      's:2:5: at: "2026-13-29T00:00:00Z" is on no calendar; ',
    ],
  ])("is at fault with %s", (_, text, line) => {
    expect(faults(text).some((fault) => fault.startsWith(line))).toBe(true);
  });

  test.each([
    ["without a name", `{ ${ASK}, expect: { decision: allow } }`, "name: missing; say what the case shows"],
    [
      "that asks nothing",
      "{ name: one, expect: { decision: allow } }",
      "request: missing; write what is asked, or steps",
    ],
    ["that expects nothing", `{ name: one, ${ASK}, expect: {} }`, "expect: expects nothing; say what must come of it"],
    ["whose steps expect nothing", `{ name: one, steps: [{ ${ASK} }] }`, "steps: no step expects anything; "],
    [
      "with a request beside steps",
      `{ name: one, ${ASK}, steps: [{ ${ASK}, expect: { decision: deny } }] }`,
      "request: request beside steps; move it into a step",
    ],
    [
      "without a model",
      "{ name: one, request: { principal: ann }, expect: { decision: deny } }",
      "request.model: missing; name a model",
    ],
    [
      "with an unknown reason",
      `{ name: one, ${ASK}, expect: { reason: RATE_LIMTED } }`,
      'expect.reason: expected one of 14 names, found the text "RATE_LIMTED"; did you mean RATE_LIMITED?',
    ],
    [
      "with less than nothing used",
      `{ name: one, given: { a: -1 }, ${ASK}, expect: { decision: deny } }`,
      "given.a: -1 is too small; write 0 or more",
    ],
    [
      "that waits for days without a unit",
      "{ name: one, steps: [{ wait: 2d }] }",
      'steps[0].wait: "2d" is no time to wait; ',
    ],
    ["that waits for years", "{ name: one, steps: [{ wait: 8785h }] }", 'steps[0].wait: "8785h" is no time to wait; '],
    [
      "that asks without end",
      `{ name: one, steps: [{ ${ASK}, times: 10_001 }] }`,
      "steps[0].times: more than 10000 times; give what they would use instead",
    ],
    [
      "with two things in one step",
      `{ name: one, steps: [{ ${ASK}, settle: {} }] }`,
      "steps[0].settle: request and settle in one step; make it two steps",
    ],
    [
      "with a step that does nothing",
      "{ name: one, steps: [{ expect: { decision: deny } }] }",
      "steps[0]: a step that does nothing; ",
    ],
    ["that settles before it asks", "{ name: one, steps: [{ settle: {} }] }", "steps[0].settle: no request before; "],
    [
      "that settles another call",
      "{ name: one, steps: [{ request: { model: x, request_id: call-1 } }, { settle: { of: call-2 } }] }",
      'steps[1].settle.of: no request before has the request_id "call-2"; did you mean call-1?',
    ],
    [
      "that expects a decision of a settlement",
      `{ name: one, steps: [{ ${ASK} }, { settle: {}, expect: { reason: ALLOWED } }] }`,
      "steps[1].expect.reason: nothing of a settlement; expect cost_usd, remaining, fault",
    ],
    [
      "that settles several times",
      `{ name: one, steps: [{ ${ASK} }, { settle: {}, times: 2 }] }`,
      "steps[1].times: times beside settle; only a request has it",
    ],
  ])("is at fault with a case %s", (_, one, line) => {
    expect(
      faults(`policy: p\ncases: [${one}]`).map((fault) => fault.replace(/^s:2:\d+: cases\[0\]\.?/, "")),
    ).toContainEqual(expect.stringContaining(line));
  });

  test("has a name for each case", () => {
    const one = `{ name: twin, ${ASK}, expect: { decision: allow } }`;
    expect(faults(`policy: p\ncases: [${one}, ${one}]`)).toEqual([
      expect.stringMatching(/^s:2:\d+: cases\[1\]\.name: case 1 has this name too; choose another$/),
    ]);
  });

  test("never throws, whatever stands in it", () => {
    const piece = fc.constantFrom(
      "policy",
      "cases",
      ":",
      "-",
      " ",
      "\n",
      "{",
      "}",
      "[",
      "]",
      "steps",
      "request",
      "settle",
      "wait",
      "expect",
      "given",
      "1",
      "null",
      "&a",
      "*a",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(["ok", "faulty"]).toContain(read(pieces.join("")).kind);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the JSON Schema of suites", () => {
  const accepts = (text: string) =>
    z.fromJSONSchema(suiteJsonSchema() as z.core.JSONSchema.JSONSchema).safeParse(parse(text)).success;

  test("accepts what is read and refuses an unknown key", () => {
    expect(accepts(SOUND.replace("1_000", "1000"))).toBe(true);
    expect(accepts(SOUND.replace("request:", "requst:"))).toBe(false);
  });

  test("holds the policy's, because a suite may hold a policy", () => {
    const suite = (version: number) =>
      `policy: { version: ${version} }\ncases: [{ name: one, ${ASK}, expect: { decision: allow } }]`;
    expect([accepts(suite(1)), accepts(suite(2))]).toEqual([true, false]);
  });
});
