import { describe, expect, it } from "vitest";
import { type AccessRequest, evaluate, uncountable } from "../../../src/domain/evaluate.js";
import type { Endpoint, Model } from "../../../src/domain/model.js";
import { MAX_AMOUNT } from "../../../src/domain/units.js";
import { openPlanIn, standingIn } from "../../support/callers.js";
import { type LimitWords, modelOf, nano, type PolicyWords, policyOf } from "../../support/policy-words.js";

const RATES = {
  inputToken: nano(2),
  cachedInputToken: nano(1),
  outputToken: nano(3),
  page: nano(5),
  annotatedPage: nano(7),
  audioSecond: nano(9),
};
const NO_REQUEST: AccessRequest = {
  inputTokens: 0,
  maxOutputTokens: 0,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};

interface Case {
  readonly words?: PolicyWords;
  readonly limits?: Readonly<Record<string, LimitWords>>;
  readonly model?: Partial<Model>;
  readonly endpoint?: Endpoint;
}

function given({ words = {}, limits = {}, model = {}, endpoint = "chat_completions" }: Case) {
  const named = Object.fromEntries(Object.entries(limits).map(([key, said]) => [`roles.developer.${key}`, said]));
  const one = modelOf("m-1", { rates: RATES, endpoints: [endpoint], ...model });
  const policy = policyOf({ ...words, limits: { ...words.limits, ...named }, models: [one] });
  const standing = standingIn(policy);
  return { standing, plan: openPlanIn(policy, standing, "m-1") };
}

function judge(of: Case, request: Partial<AccessRequest>) {
  const { standing, plan } = given(of);
  return evaluate(standing, plan, { ...NO_REQUEST, ...request });
}

const refusing = (verdict: ReturnType<typeof judge>) =>
  verdict.kind === "too_large" ? verdict.refusing.map(({ key }) => key) : verdict.kind;

describe("the cap", () => {
  it.each<[string, Case, number, number]>([
    ["the default, where nothing else bounds it", {}, 10, 4096],
    ["a default of the policy", { words: { defaultMaxOutputTokens: 77 } }, 10, 77],
    ["what tokens_per_request leaves beside the input", { limits: { tokens_per_request: 500 } }, 120, 380],
    ["output_tokens_per_request", { limits: { output_tokens_per_request: 50 } }, 120, 50],
    ["what the context leaves beside the input", { model: { contextLength: 1000 } }, 990, 10],
    ["the model's own limit", { model: { maxOutputTokens: 60 } }, 10, 60],
    [
      "the least of all",
      {
        limits: { tokens_per_request: 500, output_tokens_per_request: 90 },
        model: { contextLength: 300, maxOutputTokens: 70 },
      },
      240,
      60,
    ],
    [
      "not shaped by limits in shadow",
      {
        limits: {
          tokens_per_request: { ceiling: 20, shadow: true },
          output_tokens_per_request: { ceiling: 5, shadow: true },
        },
      },
      10,
      4096,
    ],
    ["not shaped by counters", { limits: { tokens_per_day: 20, output_tokens_per_minute: 5 } }, 10, 4096],
    [
      "not shaped by what bounds input or money",
      { limits: { input_tokens_per_request: 20, usd_per_request: 1_000_000 } },
      10,
      4096,
    ],
    ["1, where just that much is left", { limits: { tokens_per_request: 11 } }, 10, 1],
  ])("is %s", (_, of, inputTokens, expected) => {
    expect(judge(of, { inputTokens })).toEqual({
      kind: "permit",
      worst: { inputTokens, outputTokens: expected, cost: 2 * inputTokens + 3 * expected },
      shadowDenials: expect.any(Array),
    });
  });

  it.each<[string, Case, string[]]>([
    ["tokens_per_request", { limits: { tokens_per_request: 10 } }, ["tokens_per_request"]],
    ["an output ceiling of 0", { limits: { output_tokens_per_request: 0 } }, ["output_tokens_per_request"]],
    ["the context", { model: { contextLength: 10 } }, []],
    ["the model's own limit", { model: { maxOutputTokens: 0 } }, []],
  ])("below 1 by %s is a request too large", (_, of, keys) => {
    const verdict = judge(of, { inputTokens: 10 });
    expect([verdict.kind, refusing(verdict)]).toEqual(["too_large", keys]);
  });

  it.each<[string, Case]>([
    ["the default", {}],
    ["tokens_per_request", { limits: { tokens_per_request: 5_010 } }],
    ["output_tokens_per_request", { limits: { output_tokens_per_request: 5_000 } }],
    ["the context", { model: { contextLength: 5_010 } }],
    ["the model's own limit", { model: { maxOutputTokens: 5_000 } }],
  ])("that is given passes whole up to %s", (_, of) => {
    expect(judge(of, { inputTokens: 10, maxOutputTokens: 5_000 })).toMatchObject({
      kind: "permit",
      worst: { outputTokens: 5_000 },
    });
  });

  it.each<[string, Case]>([
    ["tokens_per_request", { limits: { tokens_per_request: 5_009 } }],
    ["output_tokens_per_request", { limits: { output_tokens_per_request: 4_999 } }],
    ["the context", { model: { contextLength: 5_009 } }],
    ["the model's own limit", { model: { maxOutputTokens: 4_999 } }],
  ])("that is given is refused above %s, never lowered", (_, of) => {
    expect(judge(of, { inputTokens: 10, maxOutputTokens: 5_000 })).toMatchObject({
      kind: "too_large",
      worst: { outputTokens: 5_000 },
    });
  });

  it.each<[Endpoint, Partial<AccessRequest>, number]>([
    ["embeddings", { inputTokens: 10 }, 20],
    ["moderations", { inputTokens: 10 }, 20],
    ["classifications", { inputTokens: 10 }, 20],
    ["ocr", { pages: 4 }, 20],
    ["ocr", { pages: 4, annotatedPages: true }, 28],
    ["audio_transcriptions", { audioSeconds: 4 }, 36],
  ])("is 0 on %s, whatever the request names", (endpoint, request, cost) => {
    for (const maxOutputTokens of [0, 500]) {
      const limits = { output_tokens_per_request: 1, tokens_per_request: 10 };
      expect(judge({ endpoint, limits }, { ...request, maxOutputTokens })).toMatchObject({
        kind: "permit",
        worst: { outputTokens: 0, cost },
      });
    }
  });
});

describe("a verdict", () => {
  it("prices all input as uncached", () => {
    expect(judge({}, { inputTokens: 10, maxOutputTokens: 1 })).toMatchObject({ worst: { cost: 23 } });
  });

  it("refuses by every per-request ceiling that is passed, in the policy's order, and names those in shadow", () => {
    const limits = {
      input_tokens_per_request: 9,
      tokens_per_request: { ceiling: 9, shadow: true },
      output_tokens_per_request: 5,
      usd_per_request: 22,
    };
    const verdict = judge({ limits }, { inputTokens: 10, maxOutputTokens: 1 });
    expect(refusing(verdict)).toEqual(["input_tokens_per_request", "usd_per_request"]);
    expect(verdict).toMatchObject({ bound: "limits", shadowDenials: ["roles.developer.tokens_per_request"] });
  });

  it("lets through what is at a ceiling exactly, and notes what only shadow would refuse", () => {
    const limits = { usd_per_request: 23, input_tokens_per_request: { ceiling: 9, shadow: true } };
    expect(judge({ limits }, { inputTokens: 10, maxOutputTokens: 1 })).toMatchObject({
      kind: "permit",
      shadowDenials: ["roles.developer.input_tokens_per_request"],
    });
  });

  it("refuses a ceiling of 0 always", () => {
    expect(
      judge(
        { limits: { usd_per_request: 0 }, model: { rates: { ...RATES, inputToken: nano(0), outputToken: nano(0) } } },
        {},
      ).kind,
    ).toBe("too_large");
    expect(judge({ limits: { input_tokens_per_request: 0 } }, {}).kind).toBe("too_large");
  });

  it("does not look at counted limits", () => {
    expect(
      judge({ limits: { tokens_per_day: 0, requests_per_second: 0, concurrent_requests: 0 } }, { inputTokens: 5 }).kind,
    ).toBe("permit");
  });

  it("costs nothing without a price where no usd is limited", () => {
    const model = { rates: { ...RATES, annotatedPage: undefined } };
    const request = { pages: 4, annotatedPages: true };
    expect(judge({ endpoint: "ocr", model }, request)).toMatchObject({ kind: "permit", worst: { cost: 0 } });
  });

  it("is none where the default cap makes the estimate more than can be counted", () => {
    const model = { contextLength: undefined, rates: { ...RATES, outputToken: nano(1_000_000) } };
    expect(judge({ model, words: { defaultMaxOutputTokens: 10_000_000_000 } }, { inputTokens: 1 })).toEqual({
      kind: "uncountable",
    });
    const free = { rates: { ...RATES, inputToken: nano(0), outputToken: nano(0) } };
    expect(judge({ model: free }, { inputTokens: MAX_AMOUNT - 4096 }).kind).toBe("permit");
    expect(judge({ model: free }, { inputTokens: MAX_AMOUNT - 4095 }).kind).toBe("uncountable");
  });
});

describe("an estimate that cannot be counted", () => {
  const half = (MAX_AMOUNT - 1) / 2;
  it.each<[string, Case, Partial<AccessRequest>, string | undefined]>([
    ["2^53-1 exactly", {}, { inputTokens: half }, undefined],
    ["input that costs more", {}, { inputTokens: half + 1 }, "input_tokens"],
    ["output that costs more", {}, { maxOutputTokens: half }, "input_tokens"],
    [
      "tokens that are more together, though free",
      { model: { rates: { ...RATES, inputToken: nano(0), outputToken: nano(0) } } },
      { inputTokens: MAX_AMOUNT, maxOutputTokens: 1 },
      "input_tokens",
    ],
    [
      "tokens that are 2^53-1 together, and free",
      { model: { rates: { ...RATES, inputToken: nano(0), outputToken: nano(0) } } },
      { inputTokens: MAX_AMOUNT - 1, maxOutputTokens: 1 },
      undefined,
    ],
    ["pages", { endpoint: "ocr" }, { pages: half }, "pages"],
    ["seconds", { endpoint: "audio_transcriptions" }, { audioSeconds: half }, "audio_seconds"],
    ["seconds in a chat", {}, { audioSeconds: half, inputTokens: 1 }, "audio_seconds"],
    [
      "output that does not count",
      { endpoint: "embeddings" },
      { inputTokens: 1, maxOutputTokens: MAX_AMOUNT },
      undefined,
    ],
    [
      "what has no price",
      { model: { rates: { ...RATES, inputToken: undefined } } },
      { inputTokens: MAX_AMOUNT },
      undefined,
    ],
  ])("names the field: %s", (_, of, request, field) => {
    expect(uncountable(given(of).plan, { ...NO_REQUEST, ...request })).toBe(field);
  });
});

describe("several answers at once", () => {
  it("have a default cap each", () => {
    expect(judge({}, { inputTokens: 10, choices: 3 })).toMatchObject({ worst: { outputTokens: 3 * 4096 } });
  });

  it("share what the model's context leaves", () => {
    const verdict = judge({ model: { contextLength: 5000 } }, { inputTokens: 1000, choices: 3 });
    expect(verdict).toMatchObject({ kind: "permit", worst: { outputTokens: 4000 } });
  });

  it("have the cap that the request names for all of them", () => {
    const verdict = judge({}, { maxOutputTokens: 900, choices: 3 });
    expect(verdict).toMatchObject({ worst: { outputTokens: 900 } });
  });
});

describe("an input that cannot be known beforehand", () => {
  const unknown = { inputTokens: 70, fillsContext: true } as const;

  it("is all that the context holds beside the output", () => {
    const verdict = judge({ model: { contextLength: 1000 } }, { ...unknown, maxOutputTokens: 300 });
    expect(verdict).toMatchObject({
      kind: "permit",
      worst: { inputTokens: 700, outputTokens: 300, cost: 700 * 2 + 300 * 3 },
    });
  });

  it("leaves room for the default cap", () => {
    const verdict = judge({ model: { contextLength: 10_000 } }, unknown);
    expect(verdict).toMatchObject({ worst: { inputTokens: 10_000 - 4096, outputTokens: 4096 } });
  });

  it("is refused by a ceiling below the context", () => {
    const of = { model: { contextLength: 1000 }, limits: { tokens_per_request: 999 } };
    expect(refusing(judge(of, { ...unknown, maxOutputTokens: 300 }))).toEqual(["tokens_per_request"]);
  });

  it("is refused where the output alone is longer than the context", () => {
    expect(judge({ model: { contextLength: 1000 } }, { ...unknown, maxOutputTokens: 1001 })).toMatchObject({
      kind: "too_large",
      bound: "model",
    });
  });
});
