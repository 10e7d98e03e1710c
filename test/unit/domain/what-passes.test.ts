import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { standingOf } from "../../../src/domain/caller.js";
import { type AccessRequest, evaluate } from "../../../src/domain/evaluate.js";
import type { Endpoint } from "../../../src/domain/model.js";
import { type OpenPlan, planFor } from "../../../src/domain/plan.js";
import type { Policy } from "../../../src/domain/policy.js";
import { MAX_AMOUNT } from "../../../src/domain/units.js";
import { type Counted, holdAgainst, largestOutput, offersFor } from "../../../src/domain/what-passes.js";
import { formatFault } from "../../../src/policy/faults.js";
import { loadPolicy } from "../../../src/policy/load-policy.js";

const CALL: AccessRequest = { inputTokens: 0, maxOutputTokens: 0, pages: 0, audioSeconds: 0, annotatedPages: false };
const UNTOUCHED: Counted = new Map();

interface Limits {
  readonly workspace?: Readonly<Record<string, unknown>>;
  readonly role?: Readonly<Record<string, unknown>>;
}

function policyOf({ workspace = {}, role = {} }: Limits, models: object = {}): Policy {
  const file = {
    version: 1,
    workspaces: { dev: { models: ["*"], limits: workspace } },
    roles: { writer: { models: ["*"], limits: role } },
    models,
  };
  const loaded = loadPolicy(Buffer.from(JSON.stringify(file)), "policy.json");
  if (loaded.kind === "faulty") throw new Error(loaded.faults.map(formatFault).join("\n"));
  return loaded.policy;
}

function standingIn(policy: Policy) {
  const workspace = policy.workspaces.get("dev");
  const role = policy.roles.get("writer");
  if (!workspace || !role) throw new Error("the policy has both");
  return standingOf(policy, workspace, role, undefined);
}

function candidateFor(policy: Policy, model: string, more: Partial<AccessRequest> = {}, counted = UNTOUCHED) {
  const standing = standingIn(policy);
  const plan = planFor(policy, standing, model, undefined);
  if (plan.kind === "refused") throw new Error(plan.message);
  return { standing, plan: plan satisfies OpenPlan, request: { ...CALL, ...more }, counted };
}

/** Whether the rules and every limit admit a call, worked out by itself. */
function admits({ standing, plan, request, counted }: ReturnType<typeof candidateFor>): boolean {
  const verdict = evaluate(standing, plan, request);
  if (verdict.kind !== "permit") return false;
  return holdAgainst(standing, counted, verdict.worst).every(({ verdict }) => verdict !== "refuses");
}

describe("a call held against its limits", () => {
  const policy = policyOf({
    workspace: { requests_per_minute: 2, tokens_per_day: { ceiling: 10, on_exceed: "shadow" } },
    role: { tokens_per_request: 15, usd_per_month: 0 },
  });
  const worst = { inputTokens: 8, outputTokens: 7, cost: 3 };

  test("meets each of them, with what is used, what it needs and what is left", () => {
    const counted = new Map([
      ["workspaces.dev.requests_per_minute", { used: 1, reserved: 1 }],
      ["roles.writer.usd_per_month", { used: 5, reserved: 0 }],
    ]);
    const held = holdAgainst(standingIn(policy), counted, worst);
    expect(held.map(({ limit: { name }, ...rest }) => ({ name, ...rest }))).toEqual([
      { name: "workspaces.dev.requests_per_minute", used: 1, reserved: 1, needed: 1, left: 0, verdict: "refuses" },
      { name: "workspaces.dev.tokens_per_day", used: 0, reserved: 0, needed: 15, left: 10, verdict: "would_refuse" },
      { name: "roles.writer.tokens_per_request", used: 0, reserved: 0, needed: 15, left: 15, verdict: "passes" },
      { name: "roles.writer.usd_per_month", used: 5, reserved: 0, needed: 3, left: 0, verdict: "refuses" },
    ]);
  });

  test("passes a counter that it fills to the last unit", () => {
    const counted = new Map([["workspaces.dev.requests_per_minute", { used: 0, reserved: 1 }]]);
    expect(holdAgainst(standingIn(policy), counted, worst)[0]).toMatchObject({ left: 1, verdict: "passes" });
  });
});

describe("the largest output that passes", () => {
  test.each([
    ["a ceiling per request, less the input", { role: { tokens_per_request: 1000 } }, {}, 600],
    ["a ceiling on output", { role: { output_tokens_per_request: 300 } }, {}, 300],
    ["what is left of a budget", { workspace: { tokens_per_day: 5000 } }, { tokens_per_day: 4000 }, 600],
    // codestral: 0.3 and 0.9 USD a million. 400 x 300 + 900 x n nano-USD within 1_000_000.
    ["money, at the model's price", { workspace: { usd_per_hour: 0.001 } }, {}, 977],
    ["the context of the model, where no limit is nearer", {}, {}, 131_072 - 400],
    ["nothing, where the input alone is too much", { role: { tokens_per_request: 400 } }, {}, 0],
    ["nothing, where a ceiling is 0", { workspace: { requests_per_day: 0 } }, {}, 0],
    ["no limit in shadow", { role: { tokens_per_day: { ceiling: 1, on_exceed: "shadow" } } }, {}, 131_072 - 400],
  ])("is bounded by %s", (_, limits: Limits, used: Readonly<Record<string, number>>, largest) => {
    const counted = new Map(
      Object.entries(used).map(([key, amount]) => [`workspaces.dev.${key}`, { used: amount, reserved: 0 }]),
    );
    const candidate = candidateFor(policyOf(limits), "codestral-latest", { inputTokens: 400 }, counted);
    expect(largestOutput(candidate)).toBe(largest);
  });

  test("does not depend on the output that was asked for", () => {
    const policy = policyOf({ role: { tokens_per_request: 1000 } });
    expect(largestOutput(candidateFor(policy, "codestral-latest", { maxOutputTokens: 50_000 }))).toBe(1000);
  });

  test("is all that can be counted where nothing bounds it", () => {
    const policy = policyOf({}, { "local-model": { endpoints: ["chat_completions"], free: true } });
    expect(largestOutput(candidateFor(policy, "local-model", { inputTokens: 5 }))).toBe(MAX_AMOUNT - 5);
  });

  test("passes, and one token more does not", () => {
    const ceilings = fc.record(
      {
        tokens_per_request: fc.nat(10_000),
        output_tokens_per_day: fc.nat(10_000),
        usd_per_month: fc.nat(10_000).map((cents) => cents / 1e6),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(ceilings, ceilings, fc.nat(5_000), fc.nat(5_000), (workspace, role, inputTokens, used) => {
        const counted = new Map([["workspaces.dev.output_tokens_per_day", { used, reserved: 0 }]]);
        const policy = policyOf({ workspace, role });
        const candidate = candidateFor(policy, "codestral-latest", { inputTokens }, counted);
        const largest = largestOutput(candidate);
        const withOutput = (maxOutputTokens: number) => ({
          ...candidate,
          request: { ...candidate.request, maxOutputTokens },
        });
        if (largest > 0) expect(admits(withOutput(largest))).toBe(true);
        expect(admits(withOutput(largest + 1))).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

describe("offers", () => {
  const request = { ...CALL, inputTokens: 1000, maxOutputTokens: 100 };
  const offersIn = (policy: Policy, more: { endpoint?: Endpoint; request?: AccessRequest } = {}) =>
    offersFor({ policy, standing: standingIn(policy), request, endpoint: undefined, counted: UNTOUCHED, ...more });

  test("come cheapest first for this very call, by id among equals, those without a price last", () => {
    const priced = (input: number, output: number) => ({
      endpoints: ["chat_completions"],
      prices: { input, output },
    });
    const unpriced = { endpoints: ["chat_completions"] };
    const models = { "b-dear-input": priced(10, 1), "a-dear-output": priced(1, 10), "a-unpriced": unpriced };
    const policy = policyOf({}, models);
    const costs = (call: AccessRequest) =>
      offersIn(policy, { request: call, endpoint: "chat_completions" })
        .filter(({ model }) => Object.hasOwn(models, model.id))
        .map(({ model, cost }) => [model.id, cost]);
    expect(costs(request)).toEqual([
      ["a-dear-output", 2_000_000],
      ["b-dear-input", 10_100_000],
      ["a-unpriced", undefined],
    ]);
    expect(costs({ ...CALL, inputTokens: 1, maxOutputTokens: 1 })).toEqual([
      ["a-dear-output", 11_000],
      ["b-dear-input", 11_000],
      ["a-unpriced", undefined],
    ]);
  });

  test("name only models that serve the endpoint", () => {
    const offers = offersIn(policyOf({}), { endpoint: "embeddings" });
    expect(offers.map(({ model }) => model.id)).toEqual(["mistral-embed-2312", "codestral-embed-2505"]);
    expect(new Set(offers.map(({ endpoint }) => endpoint))).toEqual(new Set(["embeddings"]));
  });

  test("leave out what cannot be called without pages", () => {
    const policy = policyOf({});
    expect(offersIn(policy, { endpoint: "ocr" })).toEqual([]);
    expect(offersIn(policy, { endpoint: "ocr", request: { ...CALL, pages: 3 } })[0]).toMatchObject({
      model: { id: "mistral-ocr-2505" },
      cost: 3_000_000,
      outputTokens: 0,
    });
  });

  test("say which ones the limits let through", () => {
    const policy = policyOf({ workspace: { usd_per_day: 0.0003 } });
    const offers = offersIn(policy, { endpoint: "chat_completions" });
    for (const { cost, passes } of offers) expect(passes).toBe(cost !== undefined && cost <= 300_000);
    expect(new Set(offers.map(({ passes }) => passes))).toEqual(new Set([true, false]));
  });

  test("are none where no model is allowed", () => {
    const policy = policyOf({});
    const standing = standingIn(policy);
    const closed = { ...standing, workspace: { ...standing.workspace, models: new Set<string>() } };
    expect(offersFor({ policy, standing: closed, request, endpoint: undefined, counted: UNTOUCHED })).toEqual([]);
  });
});
