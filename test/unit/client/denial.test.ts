import { describe, expect, it } from "vitest";
import type { Decision, LimitStatus } from "../../../src/client/answers.js";
import { type Denial, denialBy, denialOf, responseTo } from "../../../src/client/denial.js";

const RESETS_AT = new Date("2026-12-01T00:00:00Z");

function limit(metric: LimitStatus["metric"], remaining: number, more: Partial<LimitStatus> = {}): LimitStatus {
  const key = metric === "concurrent_requests" ? metric : `${metric}_per_minute`;
  const rest = { window: "minute", ceiling: 100, used: 0, reserved: 0, resetsAt: RESETS_AT, scopeId: "a" } as const;
  return { name: `workspaces.a.${key}`, metric, remaining, shadow: false, ...rest, ...more };
}

function decision(more: Partial<Decision>): Decision {
  return {
    requestId: "r1",
    allowed: false,
    reason: "rate_limited",
    message: "no",
    reservationId: "",
    reservationExpiresAt: undefined,
    model: "m",
    maxOutputTokens: 0,
    estimatedCostNanoUsd: 0,
    limits: [],
    retryAfterMs: undefined,
    httpStatus: 429,
    policyRevision: "p1",
    degraded: false,
    shadowDenials: [],
    ...more,
  };
}

/** What Mistral's client makes of an answer. */
async function errorOf(denial: Denial): Promise<Error> {
  const response = responseTo(denial);
  return Object.assign(new Error("Status"), { statusCode: response.status, body: await response.text() });
}

describe("a denial", () => {
  it("comes through the error of Mistral's client as it was", async () => {
    const limits = [limit("tokens", 40)];
    const denial = denialBy(
      decision({ limits, retryAfterMs: 5_000, reason: "token_budget_exceeded", httpStatus: 402 }),
      30,
    );
    expect(denial.fittingOutputTokens).toBe(10);
    expect(denialOf(await errorOf(denial))).toEqual(denial);
  });

  it("is read from clients that call the body responseBody", async () => {
    const responseBody = await responseTo(denialBy(decision({}), 1)).text();
    expect(denialOf(Object.assign(new Error("no"), { responseBody }))).toMatchObject({ reason: "rate_limited" });
  });

  it.each([undefined, "no", new Error("no"), Object.assign(new Error("no"), { body: "no JSON" })])(
    "is not read from %s",
    (error) => {
      expect(denialOf(error)).toBeUndefined();
    },
  );

  it("has a client wait as long as a rate takes", () => {
    const response = responseTo(denialBy(decision({ limits: [limit("requests", 0)], retryAfterMs: 1_200 }), 1));
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "2"]);
  });

  it("leaves a client to its own backoff where a call must end first", () => {
    const limits = [limit("concurrent_requests", 0)];
    for (const retryAfterMs of [900_000, undefined]) {
      const response = responseTo(denialBy(decision({ limits, retryAfterMs }), 1));
      expect([response.status, response.headers.get("retry-after")]).toEqual([429, null]);
    }
  });

  it.each([
    ["a budget that the policy answers with 429", { reason: "spend_limit_exceeded", retryAfterMs: 9e8 }, 402],
    ["a rate that never frees", { limits: [limit("requests", 0)] }, 403],
    ["a model", { reason: "model_not_allowed", httpStatus: 403 }, 403],
  ] as const)("for %s is no status that clients retry", (_, more, status) => {
    expect(responseTo(denialBy(decision(more), 1)).status).toBe(status);
  });

  it("says what output would pass only where tokens alone refused", () => {
    const fitting = (...limits: LimitStatus[]) => denialBy(decision({ limits }), 30).fittingOutputTokens;
    expect(fitting(limit("tokens", 90), limit("output_tokens", 20))).toBe(20);
    expect(fitting(limit("tokens", 90), limit("usd", 5, { shadow: true }))).toBe(60);
    expect(fitting(limit("tokens", 90), limit("usd", 5))).toBeUndefined();
    expect(fitting(limit("tokens", 30))).toBeUndefined();
    expect(fitting()).toBeUndefined();
  });
});
