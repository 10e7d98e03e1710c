import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { globMatches } from "../../../src/domain/glob.js";
import { didYouMean, suggester } from "../../../src/policy/nearest.js";

describe("globMatches", () => {
  test.each([
    ["*", "", true],
    ["*", "a", true],
    ["a", "a", true],
    ["a", "ab", false],
    ["mistral-*", "mistral-small-2603", true],
    ["mistral-*", "codestral-2508", false],
    ["*-latest", "mistral-small-latest", true],
    ["m*-s*-l*", "mistral-small-latest", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["*ab*ab*", "xabyabz", true],
    ["*ab*ab*", "xaby", false],
    ["a.c", "abc", false],
  ])("%s on %s: %s", (pattern, text, matches) => {
    expect(globMatches(pattern, text)).toBe(matches);
  });

  test("agrees with the regular expression that says the same", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 }), (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll("*", "[ab]*")}$`).test(text);
        expect(globMatches(pattern, text)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is not led into trying every way to match", () => {
    const started = performance.now();
    expect(globMatches(`${"*a".repeat(60)}*b`, "a".repeat(10_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("suggester", () => {
  const keys = ["requests_per_minute", "requests_per_day", "tokens_per_day", "usd_per_month"];

  test.each([
    ["request_per_minute", "requests_per_minute"],
    ["requests_per_minuet", "requests_per_minute"],
    ["TOKENS_PER_DAY", "tokens_per_day"],
    ["usd_per_mnth", "usd_per_month"],
    ["tokens*days", "tokens_per_day"],
    ["colour", undefined],
    ["", undefined],
  ])("for %s means %s", (wanted, meant) => {
    expect(suggester()(wanted, keys)).toBe(meant);
  });

  test("falls silent when it has compared enough", () => {
    const suggest = suggester();
    const names = Array.from({ length: 20_000 }, (_, index) => `service-number-${index}`);
    expect(suggest("service-nunber-7", names)).toBe("service-number-7");
    const started = performance.now();
    for (let index = 0; index < 2_000; index++) suggest(`service-nunber-${index}`, names);
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(suggest("service-nunber-7", names)).toBeUndefined();
  });
});

test("a suggestion is a question, and its absence another remedy", () => {
  expect(didYouMean("analyst", "define it")).toBe("did you mean analyst?");
  expect(didYouMean(undefined, "define it")).toBe("define it");
});
