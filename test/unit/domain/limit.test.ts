import { describe, expect, it } from "vitest";
import { isPerRequest, LIMIT_KEYS } from "../../../src/domain/limit.js";
import { reasonOf } from "../../../src/domain/reason.js";
import { limitOf } from "../../support/policy-words.js";

describe("a limit's key", () => {
  it("names a metric and a window, each of them with each but requests_per_request, or concurrent_requests", () => {
    expect(LIMIT_KEYS.size).toBe(5 * 7 - 1 + 1);
    expect(LIMIT_KEYS.get("output_tokens_per_week")).toEqual({ metric: "output_tokens", window: "week" });
    expect(LIMIT_KEYS.get("concurrent_requests")).toEqual({ metric: "concurrent_requests", window: "in_flight" });
    expect(LIMIT_KEYS.has("requests_per_request")).toBe(false);
  });

  it("says whether a counter is needed", () => {
    const without = [...LIMIT_KEYS.keys()].filter((key) => isPerRequest(limitOf(`organization.${key}`, 1)));
    expect(without).toEqual([
      "tokens_per_request",
      "input_tokens_per_request",
      "output_tokens_per_request",
      "usd_per_request",
    ]);
  });

  it.each([
    ["request_too_large", /_per_request$/],
    ["spend_limit_exceeded", /^usd_per_(?!request)/],
    ["rate_limited", /^requests_per_|concurrent_requests|tokens_per_(second|minute)$/],
    ["token_budget_exceeded", /tokens_per_(hour|day|week|month)$/],
  ])("refuses with %s", (reason, keys) => {
    for (const [key, counted] of LIMIT_KEYS) expect([key, reasonOf(counted) === reason]).toEqual([key, keys.test(key)]);
  });
});
