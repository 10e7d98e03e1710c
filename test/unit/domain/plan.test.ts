import { describe, expect, it } from "vitest";
import type { Endpoint } from "../../../src/domain/model.js";
import { costOf, type Price } from "../../../src/domain/money.js";
import { allowedModels, judgeModel, planFor, refusedPlan } from "../../../src/domain/plan.js";
import { standingIn, type Who } from "../../support/callers.js";
import { modelOf, nano, type PolicyWords, policyOf, SMALL } from "../../support/policy-words.js";

const ALL: [Endpoint, ...Endpoint[]] = [
  "chat_completions",
  "fim_completions",
  "embeddings",
  "agents_completions",
  "conversations",
  "ocr",
  "audio_transcriptions",
  "moderations",
  "classifications",
];
const PRICED = modelOf("all-1", {
  endpoints: ALL,
  rates: {
    inputToken: nano(2),
    cachedInputToken: nano(1),
    outputToken: nano(3),
    page: nano(5),
    annotatedPage: nano(7),
    audioSecond: nano(200, 3),
  },
});
const BARE = modelOf("bare-1", { endpoints: ALL });
const USD = { "roles.developer.usd_per_day": { ceiling: 1, shadow: true } };

function plan(words: PolicyWords, model: string, endpoint?: Endpoint, who: Who = {}) {
  const policy = policyOf({ models: [SMALL, PRICED, BARE], ...words });
  return planFor(policy, standingIn(policy, who), model, endpoint);
}

/** What one of each unit costs, alone. */
function unitCosts(price: Price | undefined) {
  const nothing = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, pages: 0, audioSeconds: 0 };
  const one = (amounts: Partial<typeof nothing>) => price && costOf(price, { ...nothing, ...amounts });
  return [
    one({ inputTokens: 1 }),
    one({ inputTokens: 1, cachedInputTokens: 1 }),
    one({ outputTokens: 1 }),
    one({ pages: 1 }),
    one({ audioSeconds: 1 }),
  ];
}

describe("a plan", () => {
  it("is open where every list lets the call through, and names the dated model", () => {
    expect(plan({}, "small")).toMatchObject({
      kind: "open",
      model: { id: "small-1" },
      endpoint: "chat_completions",
      policyRevision: "r1",
      workspace: "dev",
    });
  });

  it.each<[string, PolicyWords, string, Endpoint | undefined, string, string]>([
    [
      "a disabled principal",
      { principals: { ann: { disabled: true } } },
      "nothing",
      undefined,
      "principal_disabled",
      "ann",
    ],
    ["a model that the catalogue lacks", {}, "nothing", undefined, "model_unknown", "nothing"],
    [
      "a model without a price where usd is limited, in shadow too",
      { limits: USD },
      "bare-1",
      undefined,
      "model_unknown",
      "no price",
    ],
    [
      "a model that the workspace's list lacks",
      { workspaces: { dev: { models: new Set(["all-1"]) } } },
      "small",
      undefined,
      "model_not_allowed",
      "workspace dev",
    ],
    [
      "a model that the role's list lacks",
      { roles: { developer: { models: new Set(["all-1"]) } } },
      "small",
      undefined,
      "model_not_allowed",
      "role developer",
    ],
    [
      "a model that the principal's list lacks",
      { principals: { ann: { models: new Set(["all-1"]) } } },
      "small",
      undefined,
      "model_not_allowed",
      "principal ann",
    ],
    ["an endpoint that the model does not serve", {}, "small", "ocr", "endpoint_not_allowed", "does not serve ocr"],
    [
      "an endpoint that it does not serve, though usd is limited",
      { limits: USD },
      "small",
      "ocr",
      "endpoint_not_allowed",
      "does not serve ocr",
    ],
    [
      "an endpoint that the workspace's list lacks",
      { workspaces: { dev: { endpoints: new Set<Endpoint>(["ocr"]) } } },
      "all-1",
      undefined,
      "endpoint_not_allowed",
      "workspace dev",
    ],
    [
      "an endpoint that the role's list lacks",
      { roles: { developer: { endpoints: new Set<Endpoint>() } } },
      "all-1",
      "ocr",
      "endpoint_not_allowed",
      "role developer",
    ],
    [
      "an endpoint that the principal's list lacks",
      { principals: { ann: { endpoints: new Set<Endpoint>(["ocr"]) } } },
      "all-1",
      "embeddings",
      "endpoint_not_allowed",
      "principal ann",
    ],
  ])("refuses %s", (_, words, model, endpoint, reason, says) => {
    expect(plan(words, model, endpoint)).toMatchObject({
      kind: "refused",
      reason,
      message: expect.stringContaining(says),
    });
  });

  it("gives the first reason in the contract's order", () => {
    const closed = { models: new Set<string>(), endpoints: new Set<Endpoint>() };
    const words = { limits: USD, workspaces: { dev: closed }, principals: { ann: { disabled: true } } };
    expect(plan(words, "bare-1", "ocr")).toMatchObject({ reason: "principal_disabled" });
    expect(plan(words, "bare-1", "ocr", { as: "bob" })).toMatchObject({ reason: "model_unknown" });
    expect(plan(words, "all-1", "ocr", { as: "bob" })).toMatchObject({ reason: "model_not_allowed" });
    expect(plan({ workspaces: { dev: { endpoints: new Set<Endpoint>() } } }, "all-1", "ocr")).toMatchObject({
      reason: "endpoint_not_allowed",
    });
  });

  it("looks the dated model up, not the name that was asked", () => {
    const words = { roles: { developer: { models: new Set(["small-1"]) } } };
    expect(plan(words, "small").kind).toBe("open");
    expect(plan({ roles: { developer: { models: new Set(["small"]) } } }, "small").kind).toBe("refused");
  });

  it("without a price is open where no usd is limited", () => {
    expect(plan({}, "bare-1")).toMatchObject({ kind: "open", price: undefined });
  });

  it("takes the model's first endpoint where none is given", () => {
    const ocr = modelOf("ocr-1", { endpoints: ["ocr", "chat_completions"], rates: { page: nano(5) } });
    expect(plan({ models: [ocr] }, "ocr-1")).toMatchObject({ endpoint: "ocr", requires: "pages", hasOutput: false });
  });

  it.each<[Endpoint, boolean, string | undefined, (number | undefined)[], (number | undefined)[]]>([
    ["chat_completions", true, undefined, [2, 1, 3, 0, 67], [2, 1, 3, 0, 67]],
    ["fim_completions", true, undefined, [2, 1, 3, 0, 67], [2, 1, 3, 0, 67]],
    ["agents_completions", true, undefined, [2, 1, 3, 0, 67], [2, 1, 3, 0, 67]],
    ["conversations", true, undefined, [2, 1, 3, 0, 67], [2, 1, 3, 0, 67]],
    ["embeddings", false, undefined, [2, 1, 0, 0, 0], [2, 1, 0, 0, 0]],
    ["moderations", false, undefined, [2, 1, 0, 0, 0], [2, 1, 0, 0, 0]],
    ["classifications", false, undefined, [2, 1, 0, 0, 0], [2, 1, 0, 0, 0]],
    ["ocr", false, "pages", [0, 0, 0, 5, 0], [0, 0, 0, 7, 0]],
    ["audio_transcriptions", false, "audio_seconds", [0, 0, 0, 0, 67], [0, 0, 0, 0, 67]],
  ])(
    "for %s has output: %s, requires %s, and charges by its own units",
    (endpoint, hasOutput, requires, plain, annotated) => {
      const open = plan({}, "all-1", endpoint);
      expect(open).toMatchObject({ kind: "open", hasOutput, requires });
      expect([unitCosts(open.price), unitCosts(open.annotatedPrice)]).toEqual([plain, annotated]);
    },
  );

  it.each<[string, Endpoint, Parameters<typeof modelOf>[1], boolean]>([
    ["input and output", "chat_completions", { rates: { inputToken: nano(1), outputToken: nano(1) } }, true],
    ["no output", "chat_completions", { rates: { inputToken: nano(1) } }, false],
    ["no input", "chat_completions", { rates: { outputToken: nano(1) } }, false],
    ["no output", "embeddings", { rates: { inputToken: nano(1) } }, true],
    ["no pages", "ocr", { rates: { inputToken: nano(1), outputToken: nano(1) } }, false],
    ["pages only", "ocr", { rates: { page: nano(1) } }, true],
    ["no seconds", "audio_transcriptions", { rates: { inputToken: nano(1) } }, false],
    ["a free price", "chat_completions", { rates: { inputToken: nano(0), outputToken: nano(0) } }, true],
  ])("of a model with a price for %s on %s is open or is not", (_, endpoint, words, priced) => {
    const model = modelOf("m-1", { ...words, endpoints: [endpoint] });
    expect(plan({ models: [model], limits: USD }, "m-1").kind).toBe(priced ? "open" : "refused");
  });

  it("of annotated pages without their price is refused where usd is limited, and there only", () => {
    const ocr = modelOf("ocr-1", { endpoints: ["ocr"], rates: { page: nano(5) } });
    const annotated = (limits: NonNullable<PolicyWords["limits"]>) => {
      const policy = policyOf({ models: [ocr], limits });
      return planFor(policy, standingIn(policy), "ocr-1", undefined, true);
    };
    expect(annotated(USD)).toMatchObject({
      reason: "model_unknown",
      message: expect.stringContaining("annotated pages"),
    });
    expect(annotated({}).kind).toBe("open");
    expect(plan({ models: [ocr], limits: USD }, "ocr-1").kind).toBe("open");
  });

  it("remembers what was asked, by the names that were asked", () => {
    expect(plan({}, "small").asked).toEqual({ model: "small", endpoint: undefined });
    expect(plan({}, "nothing", "ocr").asked).toEqual({ model: "nothing", endpoint: "ocr" });
  });

  it("charges cached input as input where it has no price of its own", () => {
    const model = modelOf("m-1", { rates: { inputToken: nano(2), outputToken: nano(3) } });
    expect(unitCosts(plan({ models: [model] }, "m-1").price).slice(0, 2)).toEqual([2, 2]);
  });

  it("multiplies every price by its workspace's factor, exactly", () => {
    const tripled = { workspaces: { dev: { priceFactor: { numerator: 3n, denominator: 1n } } } };
    expect(unitCosts(plan(tripled, "all-1").price)).toEqual([6, 3, 9, 0, 200]);
    expect(unitCosts(plan(tripled, "all-1", "ocr").price)[3]).toBe(15);
    const dev = { priceFactor: { numerator: 11n, denominator: 10n } };
    const open = plan({ workspaces: { dev } }, "all-1");
    const million = { inputTokens: 1_000_000, cachedInputTokens: 0, outputTokens: 0, pages: 0, audioSeconds: 3 };
    expect(open.price && costOf(open.price, million)).toBe(2_200_220);
    expect(unitCosts(plan({ workspaces: { dev } }, "all-1", "ocr").annotatedPrice)[3]).toBe(8);
  });

  it.each([
    [undefined, undefined, 4096],
    [500, undefined, 500],
    [undefined, 9_000, 9_000],
    [500, 300, 300],
    [200, 300, 200],
  ])("of a workspace's default cap of %s and a role's of %s starts from %d", (ofWorkspace, ofRole, expected) => {
    const words = {
      workspaces: { dev: { defaultMaxOutputTokens: ofWorkspace } },
      roles: { developer: { defaultMaxOutputTokens: ofRole } },
    };
    expect(plan(words, "small").defaultMaxOutputTokens).toBe(expected);
  });

  it("of a caller that the policy does not know is refused as told, and still knows what the endpoint requires", () => {
    const policy = policyOf({ models: [PRICED] });
    const refusal = { reason: "unknown_role", message: "no such role" } as const;
    expect(refusedPlan(policy, "all-1", "ocr", refusal)).toMatchObject({
      kind: "refused",
      ...refusal,
      requires: "pages",
      workspace: undefined,
      model: { id: "all-1" },
      policyRevision: "r1",
    });
    expect(refusedPlan(policy, "nothing", undefined, refusal)).toMatchObject({
      model: undefined,
      endpoint: undefined,
      requires: undefined,
      hasOutput: false,
    });
  });
});

describe("a model's verdict", () => {
  const words = { models: [SMALL, PRICED, BARE], roles: { developer: { models: new Set(["small-1", "bare-1"]) } } };

  it.each([
    ["small", {}, "allowed"],
    ["all-1", {}, "model_not_allowed"],
    ["nothing", {}, "model_unknown"],
    ["bare-1", {}, "allowed"],
    ["bare-1", { limits: USD }, "model_unknown"],
    ["small", { workspaces: { dev: { endpoints: new Set<Endpoint>() } } }, "allowed"],
    ["small", { principals: { ann: { disabled: true } } }, "allowed"],
  ])("on %s under %o is %s", (name, more, reason) => {
    const policy = policyOf({ ...words, ...more });
    expect(judgeModel(policy, standingIn(policy), name)).toMatchObject({ reason });
  });

  it("holds the model and its rates with the workspace's factor", () => {
    const policy = policyOf({ ...words, workspaces: { dev: { priceFactor: { numerator: 11n, denominator: 10n } } } });
    const { model, rates } = judgeModel(policy, standingIn(policy), "small");
    expect(model?.id).toBe("small-1");
    expect(rates?.outputToken).toEqual({ numerator: 33n, denominator: 10n });
    expect(rates?.page).toBeUndefined();
  });
});

describe("the allowed models", () => {
  it("are those that every list holds, by dated id, each once, sorted", () => {
    const lists = {
      workspaces: { dev: { models: new Set(["small-1", "all-1"]) } },
      principals: { ann: { models: new Set(["small-1", "bare-1"]) } },
    };
    const policy = policyOf({ models: [SMALL, PRICED, BARE], ...lists });
    expect(allowedModels(policy, standingIn(policy))).toEqual(["small-1"]);
    expect(allowedModels(policy, standingIn(policy, { as: "bob" }))).toEqual(["all-1", "small-1"]);
  });

  it("are not those without a price where usd is limited", () => {
    const policy = policyOf({ models: [SMALL, PRICED, BARE], limits: USD });
    expect(allowedModels(policy, standingIn(policy))).toEqual(["all-1", "small-1"]);
  });
});
