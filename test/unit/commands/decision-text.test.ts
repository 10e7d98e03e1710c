import { describe, expect, test } from "vitest";
import { decisionText, reasonName } from "../../../src/commands/decision-text.js";
import { AuthorizeResponse, Metric, Reason, Window } from "../../../src/gen/windbreak/v1/policy_decision.js";
import { NOON } from "./run-cli.js";

const ALLOWED = AuthorizeResponse.fromPartial({
  requestId: "q1",
  allowed: true,
  reason: Reason.REASON_ALLOWED,
  reservationId: "rsv-1",
  reservationExpiresAt: { seconds: NOON / 1000 + 900, nanos: 0 },
  model: "mistral-small-2603",
  maxOutputTokens: 4096,
  estimatedCostNanoUsd: 2_472_600,
  httpStatus: 200,
  policyRevision: "r1",
});
const DENIED = AuthorizeResponse.fromPartial({
  requestId: "q1",
  reason: Reason.REASON_RATE_LIMITED,
  message: "wait",
  model: "mistral-small-2603",
  retryAfter: { seconds: 42, nanos: 0 },
  httpStatus: 429,
  policyRevision: "r1",
});

describe("a decision for a person", () => {
  test("names what was reserved, for how much, and for how long", () => {
    expect(decisionText(ALLOWED, NOON)).toBe(
      [
        "allowed: mistral-small-2603, at most 4,096 output tokens, at most $0.0024726",
        "reservation  rsv-1, expires in 15 min",
        "request      q1",
        "policy       r1",
        "",
      ].join("\n"),
    );
  });

  test("says that a dry run reserved nothing, and no output where there is none", () => {
    const dry = { ...ALLOWED, reservationId: "", reservationExpiresAt: undefined, maxOutputTokens: 0 };
    expect(decisionText(dry, NOON).split("\n").slice(0, 2)).toEqual([
      "allowed: mistral-small-2603, at most $0.0024726",
      "reservation  none: this was a dry run",
    ]);
  });

  test("tells what is out of the ordinary", () => {
    const odd = {
      ...ALLOWED,
      degraded: true,
      shadowDenials: ["roles.senior.tokens_per_day", "organization.usd_per_day"],
    };
    expect(decisionText(odd, NOON)).toContain(
      "in shadow    roles.senior.tokens_per_day, organization.usd_per_day would have denied it\n" +
        "degraded     decided without the counter store\n",
    );
  });

  test("gives the reason of a denial, and when to try again", () => {
    expect(decisionText(DENIED, NOON)).toBe(
      [
        "denied: RATE_LIMITED (HTTP 429)",
        "wait",
        "retry after  42 s",
        "model        mistral-small-2603",
        "request      q1",
        "policy       r1",
        "",
      ].join("\n"),
    );
  });

  test("says nothing of trying again where waiting does not help", () => {
    expect(decisionText({ ...DENIED, retryAfter: undefined }, NOON)).not.toContain("retry");
  });

  test("shows what a terminal would act on in a server's words as escapes", () => {
    const hostile = "x\u001b[2J\n\u009b";
    const shown = "x\\u{1b}[2J\\u{a}\\u{9b}";
    const denied = { ...DENIED, message: hostile, model: hostile, requestId: hostile, policyRevision: hostile };
    const lines = decisionText({ ...denied, shadowDenials: [hostile] }, NOON).split("\n");
    expect(lines.filter((line) => line.includes(shown))).toHaveLength(5);
    expect(lines.join("")).toMatch(/^\P{C}*$/u);
    const allowed = decisionText({ ...ALLOWED, model: hostile, reservationId: hostile }, NOON);
    expect(allowed.split("\n").filter((line) => line.includes(shown))).toHaveLength(2);
    expect(allowed.replaceAll("\n", "")).toMatch(/^\P{C}*$/u);
  });

  test("ends with the limits that it names", () => {
    const limit = {
      name: "organization.requests_per_minute",
      metric: Metric.METRIC_REQUESTS,
      window: Window.WINDOW_MINUTE,
      ceiling: 5,
      used: 3,
      reserved: 2,
      remaining: 0,
      resetsAt: { seconds: NOON / 1000 + 42, nanos: 500_000_000 },
      scopeId: "acme",
      shadow: false,
    };
    expect(decisionText({ ...DENIED, limits: [limit] }, NOON).split("\n\n")[1]).toBe(
      [
        "LIMIT                  USED  RESERVED  CEILING  LEFT  RESETS IN",
        "organization (acme)",
        "  requests_per_minute     3         2        5     0       43 s",
        "",
      ].join("\n"),
    );
  });
});

test("reasons are named as people name them, numbers of a later version too", () => {
  expect(reasonName(Reason.REASON_SPEND_LIMIT_EXCEEDED)).toBe("SPEND_LIMIT_EXCEEDED");
  const ofLaterVersion: number = 99;
  expect(reasonName(ofLaterVersion)).toBe("unknown reason");
});
