import fc from "fast-check";
import type { Who } from "../../support/callers.js";
import { modelOf, nano, type PolicyWords } from "../../support/policy-words.js";

/** One thing that happens to a store. Which reservation is meant is a number that is taken modulo how many there are. */
export type Step =
  | {
      readonly kind: "reserve";
      readonly who: number;
      readonly id: string;
      readonly input: number;
      readonly output: number;
      readonly dryRun: boolean;
      readonly readAll: boolean;
    }
  | {
      readonly kind: "settle";
      readonly which: number;
      readonly by: "id" | "request" | "stranger";
      readonly usage: { input: number; cached: number; output: number } | undefined;
      readonly outcome: "succeeded" | "failed" | "cancelled";
    }
  | { readonly kind: "release"; readonly which: number; readonly forget: boolean }
  | {
      readonly kind: "charge";
      readonly who: number;
      readonly key: string;
      readonly byRequest: boolean;
      readonly input: number;
    }
  | { readonly kind: "resend"; readonly who: number; readonly key: string; readonly byRequest: boolean }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "reload"; readonly policy: number };

export const WHO: readonly Who[] = [
  {},
  { as: "bob" },
  { as: "ann", role: "analyst" },
  { as: "bob", workspace: "prod" },
  { as: "cy" },
];

/** Output at a third of ten nano-USD, so that costs are rounded. */
const models = [
  modelOf("small-1", {
    names: ["small-1", "small"],
    rates: { inputToken: nano(2), cachedInputToken: nano(1), outputToken: nano(10, 3) },
  }),
];

const LIMITS = {
  "organization.usd_per_month": 900,
  "organization.requests_per_second": 6,
  "workspaces.dev.tokens_per_minute": 70,
  "workspaces.dev.usd_per_week": 400,
  "roles.developer.tokens_per_hour": 60,
  "roles.developer.concurrent_requests": 4,
  "roles.analyst.requests_per_day": { ceiling: 5, shared: true },
  "principals.cy.output_tokens_per_day": 30,
  "principals.cy.input_tokens_per_second": 12,
};

/** The policies that are in force by turns: other ceilings, other ends, limits that come and go. */
export const POLICIES: readonly PolicyWords[] = [
  {
    revision: "r0",
    models,
    limits: LIMITS,
    workspaces: { dev: { reservationTtlMs: 60_000 }, prod: { unsettled: "release" } },
  },
  {
    revision: "r1",
    models,
    limits: {
      ...LIMITS,
      "organization.usd_per_month": 300,
      "workspaces.dev.tokens_per_minute": { ceiling: 30, shadow: true },
      "roles.developer.tokens_per_hour": { ceiling: 90, shared: true },
    },
    workspaces: { dev: { reservationTtlMs: 20_000, unsettled: "release" }, prod: {} },
  },
  {
    revision: "r2",
    models,
    limits: {
      "workspaces.dev.tokens_per_minute": 40,
      "roles.developer.tokens_per_hour": 80,
      "roles.developer.tokens_per_second": 20,
      "roles.analyst.requests_per_day": 0,
      "principals.cy.concurrent_requests": { ceiling: 1, shadow: true },
    },
    workspaces: { dev: { reservationTtlMs: 600 }, prod: { reservationTtlMs: 3_600_000 } },
  },
];

const amount = fc.nat({ max: 25 });
const which = fc.nat({ max: 1000 });
const who = fc.nat({ max: WHO.length - 1 });
const usage = fc
  .record({ input: amount, cached: fc.nat({ max: 25 }), output: amount })
  .map((it) => ({ ...it, cached: Math.min(it.cached, it.input) }));

const WAITS = [
  1, 49, 99, 100, 101, 300, 999, 1_000, 1_100, 6_000, 20_000, 59_999, 60_000, 66_000, 300_000, 600_000, 3_600_000,
  86_400_000,
];

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("reserve"),
      who,
      id: fc.constantFrom("", "", "", "a", "b", "c"),
      input: amount,
      output: amount,
      dryRun: fc.oneof({ weight: 7, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      readAll: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("settle"),
      which,
      by: fc.constantFrom("id", "id", "id", "request", "stranger"),
      usage: fc.option(usage, { nil: undefined }),
      outcome: fc.constantFrom("succeeded", "failed", "cancelled"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release"), which, forget: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("charge"),
      who,
      key: fc.constantFrom("x", "y"),
      byRequest: fc.boolean(),
      input: amount,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("resend"),
      who,
      key: fc.constantFrom("x", "y"),
      byRequest: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("wait"),
      ms: fc.oneof(fc.constantFrom(...WAITS), fc.nat({ max: 3_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reload"), policy: fc.nat({ max: POLICIES.length - 1 }) }) },
);

export const policy = fc.constantFrom(...POLICIES);

/** Instants shortly before something turns. */
export const start = fc.constantFrom(
  "2026-03-10T12:00:00Z",
  "2026-03-10T12:59:40Z",
  "2026-03-10T23:59:00Z",
  "2026-02-28T23:59:30Z",
  "2028-02-29T23:58:00Z",
  "2026-12-31T23:59:55Z",
  "2026-03-15T23:59:58Z",
);
