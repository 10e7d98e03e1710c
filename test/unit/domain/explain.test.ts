import { describe, expect, it } from "vitest";
import { explainRefusal, explainTooLarge, formatAmount, formatSpan, formatUsd } from "../../../src/domain/explain.js";
import { instant } from "../../support/fake-clock.js";
import { limitOf } from "../../support/policy-words.js";

const NOW = instant("2026-03-10T12:00:00Z");

describe("an amount", () => {
  it.each([
    [0, "$0.00"],
    [1, "$0.000000001"],
    [300_000, "$0.0003"],
    [150_000_000, "$0.15"],
    [500_000_000, "$0.50"],
    [1_000_000_000, "$1.00"],
    [1_234_567_891, "$1.234567891"],
    [50_000_000_000, "$50.00"],
    [3_000_000_000_010, "$3000.00000001"],
    [Number.MAX_SAFE_INTEGER, "$9007199.254740991"],
  ])("of %d nano-USD is %s", (nanoUsd, text) => {
    expect(formatUsd(nanoUsd)).toBe(text);
  });

  it.each([
    ["usd", 1_500_000_000, "$1.50"],
    ["requests", 1, "1 request"],
    ["requests", 0, "0 requests"],
    ["concurrent_requests", 2, "2 requests"],
    ["tokens", 1, "1 token"],
    ["tokens", 20, "20 tokens"],
    ["input_tokens", 1, "1 input token"],
    ["output_tokens", 5, "5 output tokens"],
  ] as const)("in %s of %d is written %s", (metric, amount, text) => {
    expect(formatAmount(metric, amount)).toBe(text);
  });
});

describe("a span", () => {
  it.each([
    [0, "0 s"],
    [1, "0.1 s"],
    [100, "0.1 s"],
    [1_000, "1 s"],
    [1_001, "1.1 s"],
    [9_900, "9.9 s"],
    [9_901, "10 s"],
    [59_001, "1 min"],
    [60_000, "1 min"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [3_605_000, "1 h 5 s"],
    [86_400_000 + 7_200_000, "1 d 2 h"],
    [13 * 3_600_000, "13 h"],
  ])("of %d ms is %s", (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });
});

describe("a refusal", () => {
  const refusing = {
    ...limitOf("workspaces.dev.usd_per_month", 50_000_000_000),
    used: 49_000_000_000,
    reserved: 990_000_000,
    charge: 20_000_000,
    freesAt: instant("2026-04-01T00:00:00Z"),
  };

  it("says what is left, what is asked and when it fits", () => {
    expect(explainRefusal(refusing, NOW)).toBe(
      "workspaces.dev.usd_per_month: this call needs $0.02, with $0.01 of $50.00 left ($49.00 used, $0.99 reserved); it fits in 21 d 12 h, at 2026-04-01T00:00:00.000Z; sooner if open calls use less",
    );
  });

  it("names the instant alone where nothing is reserved", () => {
    expect(explainRefusal({ ...refusing, used: 50_000_000_000, reserved: 0 }, NOW)).toMatch(
      /\(\$50\.00 used, \$0\.00 reserved\); it fits in 21 d 12 h, at 2026-04-01T00:00:00\.000Z$/,
    );
  });

  it("carries the unit of an amount once", () => {
    const tokens = {
      ...refusing,
      ...limitOf("roles.intern.tokens_per_day", 1_000),
      used: 100,
      reserved: 700,
      charge: 400,
    };
    expect(explainRefusal(tokens, NOW)).toContain(
      "roles.intern.tokens_per_day: this call needs 400 tokens, with 200 of 1000 left (100 used, 700 reserved); ",
    );
  });

  it("by a ceiling of open calls says how many are open", () => {
    const open = { ...refusing, ...limitOf("principals.bot.concurrent_requests", 2), used: 0, reserved: 2, charge: 1 };
    expect(explainRefusal(open, NOW)).toMatch(
      /^principals\.bot\.concurrent_requests: 2 of 2 calls are open; it fits in .+; sooner if one of them ends$/,
    );
  });

  it("promises nothing sooner where settling could not help", () => {
    const requests = {
      ...refusing,
      ...limitOf("workspaces.dev.requests_per_minute", 3),
      used: 0,
      reserved: 3,
      charge: 1,
    };
    expect(explainRefusal(requests, NOW)).not.toContain("sooner");
    expect(explainRefusal({ ...refusing, used: 60_000_000_000, reserved: 1 }, NOW)).not.toContain("sooner");
  });

  it("says that nothing is left where the ceiling was passed", () => {
    expect(explainRefusal({ ...refusing, used: 60_000_000_000 }, NOW)).toContain(
      ", with $0.00 of $50.00 left ($60.00 used, ",
    );
  });

  it("says that waiting does not help", () => {
    expect(explainRefusal({ ...refusing, freesAt: undefined }, NOW)).toMatch(/; waiting does not help$/);
    expect(explainRefusal({ ...refusing, charge: 50_000_000_001, freesAt: undefined }, NOW)).toMatch(
      /; it never fits: ask for less$/,
    );
    expect(explainRefusal({ ...refusing, ceiling: 0, freesAt: undefined }, NOW)).toBe(
      "workspaces.dev.usd_per_month is 0: it refuses every call",
    );
  });

  it("of what is too large says what would pass", () => {
    const worst = { inputTokens: 600, outputTokens: 1, cost: 0 };
    const says = (key: string, ceiling: number) => explainTooLarge(limitOf(`roles.analyst.${key}`, ceiling), worst);
    expect(says("input_tokens_per_request", 500)).toBe(
      "roles.analyst.input_tokens_per_request allows 500 input tokens and this call needs 600 input tokens",
    );
    expect(says("input_tokens_per_request", 0)).toBe(
      "roles.analyst.input_tokens_per_request is 0: it refuses every call",
    );
  });
});
