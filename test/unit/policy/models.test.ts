import { describe, expect, test } from "vitest";
import { CATALOGUE, type CatalogueEntry } from "../../../src/policy/catalogue.js";
import type { ModelRule } from "../../../src/policy/model-schema.js";
import { idsMeant, modelsOf } from "../../../src/policy/models.js";
import { faultLines, policyOf } from "./written.js";

const SOURCE = { state: "live", source: "a table", asOf: "2026-01-01" } as const;
const SMALL: CatalogueEntry = {
  id: "small-1",
  aliases: ["small-latest", "small"],
  endpoints: ["chat_completions", "conversations"],
  contextLength: 1_000,
  maxOutputTokens: 100,
  prices: { input: "0.15", cachedInput: "0.015", output: "0.6" },
  ...SOURCE,
};
const VOICE: CatalogueEntry = {
  id: "voice-1",
  aliases: [],
  endpoints: ["audio_transcriptions"],
  prices: { audioMinute: "0.003" },
  ...SOURCE,
};
const PAGES: CatalogueEntry = {
  id: "pages-1",
  aliases: [],
  endpoints: ["ocr"],
  prices: { page: "0.004", annotatedPage: "0.005" },
  ...SOURCE,
};

const lay = (rules: Readonly<Record<string, ModelRule>> = {}) =>
  modelsOf([SMALL, VOICE, PAGES], new Map(Object.entries(rules)));
const whats = (rules: Readonly<Record<string, ModelRule>>) =>
  lay(rules).problems.map(({ path, what }) => `${path.join(".")}: ${what}`);

describe("the catalogue", () => {
  test("is known by every name, with exact rates of one unit each", () => {
    const { byName, problems } = lay();
    expect(problems).toEqual([]);
    expect([...byName.keys()]).toEqual(["small-1", "small-latest", "small", "voice-1", "pages-1"]);
    expect(byName.get("small")).toBe(byName.get("small-1"));
    expect(byName.get("small")).toEqual({
      id: "small-1",
      names: ["small-1", "small-latest", "small"],
      endpoints: ["chat_completions", "conversations"],
      contextLength: 1_000,
      maxOutputTokens: 100,
      rates: {
        inputToken: { numerator: 150_000_000n, denominator: 1_000_000n },
        cachedInputToken: { numerator: 15_000_000n, denominator: 1_000_000n },
        outputToken: { numerator: 600_000_000n, denominator: 1_000_000n },
        page: undefined,
        annotatedPage: undefined,
        audioSecond: undefined,
      },
    });
    expect(byName.get("voice-1")?.rates.audioSecond).toEqual({ numerator: 3_000_000n, denominator: 60n });
    expect(byName.get("pages-1")?.rates.page).toEqual({ numerator: 4_000_000n, denominator: 1n });
    expect(byName.get("pages-1")?.rates.annotatedPage).toEqual({ numerator: 5_000_000n, denominator: 1n });
  });

  test("that is built in contradicts itself nowhere", () => {
    const { byName, problems } = modelsOf(CATALOGUE, new Map());
    expect(problems).toEqual([]);
    for (const { id, aliases } of CATALOGUE) {
      for (const name of [id, ...aliases]) expect(byName.get(name)?.id).toBe(id);
    }
  });

  test("with a price that is no decimal is thrown out", () => {
    const wrong = { ...SMALL, prices: { input: "cheap" } };
    expect(() => modelsOf([wrong], new Map())).toThrow("small-1 the price cheap");
  });
});

describe("a file's models", () => {
  test("take everything but the names from the model that they are like", () => {
    const { byName } = lay({ ours: { like: "small-latest" } });
    const small = byName.get("small-1");
    expect(byName.get("ours")).toEqual({ ...small, id: "ours", names: ["ours"] });
    expect(byName.get("small")).toBe(small);
  });

  test("override what they say themselves, price by price", () => {
    const { byName } = lay({
      ours: { like: "small", aliases: ["o"], endpoints: ["fim_completions"], context_length: 5, prices: { output: 7 } },
    });
    expect(byName.get("o")).toMatchObject({
      id: "ours",
      names: ["ours", "o"],
      endpoints: ["fim_completions"],
      contextLength: 5,
      maxOutputTokens: 100,
      rates: {
        inputToken: { numerator: 150_000_000n, denominator: 1_000_000n },
        outputToken: { numerator: 7n, denominator: 1_000_000n },
      },
    });
  });

  test("redefine a built-in model in place: what is left out stays, aliases too", () => {
    const { byName, problems } = lay({ "small-1": { max_output_tokens: 9 } });
    expect(problems).toEqual([]);
    expect(byName.get("small")).toMatchObject({ names: ["small-1", "small-latest", "small"], maxOutputTokens: 9 });
    expect(byName.get("small")?.contextLength).toBe(1_000);
    expect(byName.size).toBe(5);
  });

  test("give a built-in model other aliases, and the old ones are free", () => {
    const { byName, problems } = lay({
      "small-1": { aliases: ["small"] },
      "small-2": { like: "small-1", aliases: ["small-latest"] },
    });
    expect(problems).toEqual([]);
    expect(byName.get("small")?.id).toBe("small-1");
    expect(byName.get("small-latest")?.id).toBe("small-2");
  });

  test("may be like themselves as the catalogue has them, by any name", () => {
    for (const like of ["small-1", "small"]) {
      const { byName, problems } = lay({ "small-1": { like, prices: { input: 1 } } });
      expect(problems).toEqual([]);
      expect(byName.get("small")?.rates.inputToken?.numerator).toBe(1n);
      expect(byName.get("small")?.rates.outputToken?.numerator).toBe(600_000_000n);
    }
  });

  test("are like one another, in any order and through aliases", () => {
    const { byName, problems } = lay({
      c: { like: "bee" },
      b: { like: "a", aliases: ["bee"], context_length: 2 },
      a: { like: "small", context_length: 1, max_output_tokens: 1 },
    });
    expect(problems).toEqual([]);
    expect(byName.get("c")).toMatchObject({ names: ["c"], contextLength: 2, maxOutputTokens: 1 });
  });

  test("follow the redefined model, not the built-in one", () => {
    const { byName } = lay({ ours: { like: "small-latest" }, "small-1": { context_length: 7 } });
    expect(byName.get("ours")?.contextLength).toBe(7);
  });

  test("that are free have every price at 0", () => {
    const { rates } = lay({ ours: { endpoints: ["chat_completions"], free: true } }).byName.get("ours") ?? {};
    for (const rate of Object.values(rates ?? {})) expect(rate).toEqual({ numerator: 0n, denominator: 1n });
    expect(Object.keys(rates ?? {})).toHaveLength(6);
  });

  test("may do without prices", () => {
    const model = lay({ ours: { endpoints: ["ocr"] } }).byName.get("ours");
    expect(model).toMatchObject({ endpoints: ["ocr"], contextLength: undefined });
    expect(Object.values(model?.rates ?? {})).toEqual(Array(6).fill(undefined));
  });

  test("may form a chain as long as a file", () => {
    const rules = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, index) => [`m${index}`, { like: index === 0 ? "small" : `m${index - 1}` }]),
    );
    const { byName, problems } = lay(Object.fromEntries(Object.entries(rules).reverse()));
    expect(problems).toEqual([]);
    expect(byName.get("m49999")?.contextLength).toBe(1_000);
  });
});

describe("a file's models at fault", () => {
  test.each<[string, Readonly<Record<string, ModelRule>>, readonly string[]]>([
    ["an unknown likeness", { a: { like: "smal" } }, ['a.like: unknown model "smal"']],
    ["nothing to go by", { a: {} }, ["a.endpoints: missing"]],
    ["likeness to itself", { a: { like: "a" } }, ["a.like: this model is like itself, by a circle of `like`"]],
    [
      "likeness to its own alias",
      { a: { like: "b", aliases: ["b"] } },
      ["a.like: this model is like itself, by a circle of `like`"],
    ],
    [
      "a circle, told once",
      { a: { like: "b" }, b: { like: "c" }, c: { like: "a" } },
      ["c.like: this model is like itself, by a circle of `like`"],
    ],
    [
      "a circle through a redefined model",
      { "small-1": { like: "a" }, a: { like: "small" } },
      ["a.like: this model is like itself, by a circle of `like`"],
    ],
    [
      "free and priced",
      { a: { like: "small", free: true, prices: { input: 1 } } },
      ["a.free: both `free` and `prices`"],
    ],
    [
      "an alias as id",
      { "small-latest": { like: "voice-1" } },
      ['small-latest: "small-latest" is an alias of small-1'],
    ],
    [
      "an alias that is taken",
      { a: { like: "small", aliases: ["small"] } },
      ['a.aliases.0: "small" already means small-1'],
    ],
    [
      "an alias that is an id",
      { a: { like: "small", aliases: ["voice-1", "b"] }, b: { like: "small" } },
      ['a.aliases.0: "voice-1" already means voice-1', 'a.aliases.1: "b" already means b'],
    ],
    [
      "two with one alias",
      { a: { like: "small", aliases: ["x"] }, b: { like: "small", aliases: ["x"] } },
      ['b.aliases.0: "x" already means a'],
    ],
  ])("%s", (_, rules, problems) => {
    expect(whats(rules)).toEqual(problems);
  });

  test("in a file are told with their lines and remedies", () => {
    const content = `version: 1
models:
  mistral-small-latest: { like: mistral-small-2603 }
  ft:a: { like: mistral-smal-2603 }
  ft:b: { endpoints: [chat_completions], prices: { input: 0 } }
  ft:c: { endpoints: [] }
  ft:d: { like: mistral-embed, aliases: [codestral-latest], free: false }
  "ft:*": { like: mistral-embed }
`;
    expect(faultLines(content)).toEqual([
      'p:3:3: models.mistral-small-latest: "mistral-small-latest" is an alias of mistral-small-2603; write mistral-small-2603 as the key to redefine that model, or choose another id',
      'p:4:17: models.ft:a.like: unknown model "mistral-smal-2603"; did you mean mistral-small-2603?',
      "p:5:59: models.ft:b.prices.input: 0 is too small; write `free: true` beside, instead of prices, if the model costs nothing",
      "p:6:22: models.ft:c.endpoints: no endpoint; list at least one, or leave the key out where `like` is given",
      "p:7:67: models.ft:d.free: expected true, found false; write true, or remove the key",
      'p:8:3: models.ft:*: "ft:*" cannot be the name of a model; use printable ASCII without space, ", \\, {, } and *, at most 128 characters',
    ]);
  });
});

test("a list entry means the model of that name, or every model that one of its names matches", () => {
  const { byName } = lay();
  expect(idsMeant("small-latest", byName)).toEqual(["small-1"]);
  expect(idsMeant("*-latest", byName)).toEqual(["small-1"]);
  expect(idsMeant("*-1", byName)).toEqual(["small-1", "voice-1", "pages-1"]);
  expect(idsMeant("smal", byName)).toEqual([]);
});

test("prices of a file are read exactly", () => {
  const policy = policyOf(
    "version: 1\nmodels: { a: { endpoints: [chat_completions], prices: { input: 0.1, output: 1_000.000000001, audio_minute: 0.004 } } }\n",
  );
  expect(policy.models.get("a")?.rates).toMatchObject({
    inputToken: { numerator: 100_000_000n, denominator: 1_000_000n },
    outputToken: { numerator: 1_000_000_000_001n, denominator: 1_000_000n },
    audioSecond: { numerator: 4_000_000n, denominator: 60n },
  });
});
