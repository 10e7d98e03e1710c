import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../src/domain/model.js";
import { parseUsd } from "../../../src/domain/money.js";
import {
  CATALOGUE,
  CATALOGUE_DATE,
  CATALOGUE_STALE_DAYS,
  type CatalogueEntry,
  catalogueAgeDays,
  catalogueWarning,
} from "../../../src/policy/catalogue.js";

type PriceName = keyof CatalogueEntry["prices"];

const CHARGED_BY: Readonly<Record<Endpoint, readonly PriceName[]>> = {
  chat_completions: ["input", "output"],
  fim_completions: ["input", "output"],
  embeddings: ["input"],
  agents_completions: ["input", "output"],
  conversations: ["input", "output"],
  ocr: ["page", "annotatedPage"],
  audio_transcriptions: ["audioMinute"],
  moderations: ["input"],
  classifications: ["input"],
};

/** Why an id carries no date. */
const UNDATED: Readonly<Record<string, string>> = {
  "labs-leanstral-1-5": "versioned, not dated",
  "labs-mistral-small-creative": "had no version at all",
  "mistral-large-4-0": "versioned, not dated",
  "mistral-medium-3-5": "versioned, not dated",
  "mistral-ocr-4-0": "versioned, not dated",
  "mistral-ocr-4-1": "versioned, not dated",
  "zai-glm-5-2": "a third party's version",
  "zai-glm-5-3": "a third party's version",
  "zai-glm-5-3-flash": "a third party's version",
};

const OWN_CACHED_PRICE = new Set(["deepseek-v4-1-flash-1017", "zai-glm-5-3-flash"]);
const YEAR_MS = 365 * 86_400_000;

describe("the catalogue", () => {
  test("is sorted by id", () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
  });

  test("gives every name to one model only", () => {
    const names = CATALOGUE.flatMap(({ id, aliases }) => [id, ...aliases]);
    const twice = names.filter((name, at) => names.indexOf(name) !== at);
    expect(twice).toEqual([]);
  });

  test("holds only names that a request may carry", () => {
    const names = CATALOGUE.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(names.filter((name) => !/^[!-~]{1,128}$/.test(name) || /["\\{}*]/.test(name))).toEqual([]);
  });

  test.each([
    ["codestral-latest", "codestral-2508"],
    ["codestral-embed", "codestral-embed-2505"],
    ["devstral-latest", "devstral-2512"],
    ["devstral-medium-latest", "devstral-2512"],
    ["devstral-small-latest", "labs-devstral-small-2512"],
    ["magistral-medium-latest", "magistral-medium-2509"],
    ["magistral-small-latest", "magistral-small-2509"],
    ["ministral-14b-latest", "ministral-14b-2512"],
    ["ministral-3b-latest", "ministral-3b-2512"],
    ["ministral-8b-latest", "ministral-8b-2512"],
    ["mistral-embed", "mistral-embed-2312"],
    ["mistral-large-4", "mistral-large-4-0"],
    ["mistral-large-latest", "mistral-large-2512"],
    ["mistral-medium-latest", "mistral-medium-3-5"],
    ["mistral-moderation-latest", "mistral-moderation-2603"],
    ["mistral-ocr-latest", "mistral-ocr-4-1"],
    ["mistral-small-latest", "mistral-small-2603"],
    ["open-mistral-nemo", "open-mistral-nemo-2407"],
    ["pixtral-large-latest", "pixtral-large-2411"],
    ["voxtral-mini-latest", "voxtral-mini-2602"],
    ["voxtral-small-latest", "voxtral-small-2507"],
    ["zai-glm-latest", "zai-glm-5-3"],
  ])("knows %s as %s", (alias, id) => {
    expect(CATALOGUE.find(({ aliases }) => aliases.includes(alias))?.id).toBe(id);
  });

  test("names a date or a version in every id", () => {
    const undated = CATALOGUE.map(({ id }) => id).filter((id) => !/-\d{4}$/.test(id));
    expect(undated).toEqual(Object.keys(UNDATED));
  });

  test.each(CATALOGUE)("$id: has exactly the prices that its endpoints charge by, each exact", (entry) => {
    const prices = new Map(Object.entries(entry.prices));
    const needed = entry.endpoints.flatMap((endpoint) => CHARGED_BY[endpoint]);
    expect(needed.filter((name) => !prices.has(name))).toEqual([]);

    const chats = entry.endpoints.includes("chat_completions");
    const allowed = new Set<string>([...needed, ...(chats ? ["cachedInput", "audioMinute"] : [])]);
    expect([...prices.keys()].filter((name) => !allowed.has(name))).toEqual([]);

    expect([...prices.values()].filter((text) => parseUsd(text) === undefined)).toEqual([]);
    const free = [...prices.values()].map((text) => parseUsd(text) === 0n);
    expect(new Set(free).size).toBe(1);
  });

  test.each(CATALOGUE.filter(({ prices }) => prices.cachedInput !== undefined))(
    "$id: charges a tenth of input for what is cached, unless it has a price of its own",
    ({ id, prices }) => {
      const cached = parseUsd(prices.cachedInput ?? "");
      const input = parseUsd(prices.input ?? "");
      expect((cached ?? -1n) * 10n === input).toBe(!OWN_CACHED_PRICE.has(id));
      expect(cached).toBeLessThanOrEqual(input ?? -1n);
    },
  );

  test.each(CATALOGUE)("$id: bounds what it generates", ({ endpoints, contextLength, maxOutputTokens }) => {
    if (endpoints.includes("chat_completions")) expect(contextLength).toBeGreaterThanOrEqual(32_768);
    expect(maxOutputTokens ?? 1).toBeLessThanOrEqual(contextLength ?? 1);
    expect(new Set(endpoints).size).toBe(endpoints.length);
    expect(endpoints).not.toContain("agents_completions");
  });

  test.each(CATALOGUE)("$id: has dates that exist and agree", ({ state, retiredOn, asOf, source }) => {
    expect(source).not.toBe("");
    for (const date of [asOf, ...(retiredOn ? [retiredOn] : [])]) {
      expect(new Date(date).toISOString().slice(0, 10)).toBe(date);
    }
    expect(asOf <= CATALOGUE_DATE).toBe(true);
    expect(retiredOn !== undefined).toBe(state === "retired");
    if (retiredOn) {
      expect(retiredOn <= CATALOGUE_DATE).toBe(true);
      expect(Date.parse(CATALOGUE_DATE) - Date.parse(retiredOn)).toBeLessThanOrEqual(YEAR_MS);
    }
  });

  test("charges nothing only for models that are free", () => {
    const free = CATALOGUE.filter(({ prices }) => prices.input === "0").map(({ id }) => id);
    expect(free).toEqual(["labs-leanstral-1-5", "labs-leanstral-2603", "mistral-moderation-2603"]);
  });
});

describe("the catalogue's age", () => {
  const dayAfter = (days: number) => new Date(Date.parse(CATALOGUE_DATE) + days * 86_400_000);

  test("is counted in whole days", () => {
    expect(catalogueAgeDays(dayAfter(0))).toBe(0);
    expect(catalogueAgeDays(dayAfter(1.9))).toBe(1);
    expect(catalogueAgeDays(dayAfter(-1))).toBe(-1);
  });

  test("is warned of from the ninetieth day on, with the remedy", () => {
    expect(CATALOGUE_STALE_DAYS).toBe(90);
    expect(catalogueWarning(dayAfter(89.9))).toBeUndefined();
    expect(catalogueWarning(dayAfter(90))).toContain("the catalogue is 90 days old");
    expect(catalogueWarning(dayAfter(400))).toContain("under models: in the policy");
  });
});
