import { describe, expect, it } from "vitest";
import { readRoleCounterKey, scopeId } from "../../../src/domain/caller.js";
import { callerIn, standingIn } from "../../support/callers.js";
import { policyOf } from "../../support/policy-words.js";

const LIMITS = {
  "principals.ann.tokens_per_day": 1,
  "roles.developer.requests_per_minute": 2,
  "roles.developer.tokens_per_request": 3,
  "workspaces.dev.usd_per_month": 4,
  "organization.concurrent_requests": 5,
  "workspaces.prod.usd_per_month": 6,
  "roles.analyst.requests_per_minute": 7,
  "principals.bob.tokens_per_day": 8,
};
const policy = policyOf({ limits: LIMITS });

describe("a standing", () => {
  it("gathers what governs: organization, workspace, role, principal, and no one else's", () => {
    const names = (as: string) => standingIn(policy, { as }).limits.map(({ name }) => name);
    const shared = [
      "organization.concurrent_requests",
      "workspaces.dev.usd_per_month",
      "roles.developer.requests_per_minute",
      "roles.developer.tokens_per_request",
    ];
    expect(names("ann")).toEqual([...shared, "principals.ann.tokens_per_day"]);
    expect(names("nobody")).toEqual(shared);
  });

  it("parts what each request is held against alone from what is counted", () => {
    const { perRequest, counted, limits } = standingIn(policy);
    expect(perRequest.map(({ name }) => name)).toEqual(["roles.developer.tokens_per_request"]);
    expect(counted).toEqual(limits.filter(({ window }) => window !== "request"));
  });

  it.each([
    ["usd_per_month", 5, true],
    ["usd_per_request", 5, true],
    ["usd_per_day", { ceiling: 5, shadow: true }, true],
    ["tokens_per_day", 5, false],
  ] as const)("with %s of %j spends money: %s", (key, words, expected) => {
    expect(standingIn(policyOf({ limits: { [`roles.developer.${key}`]: words } })).spendsMoney).toBe(expected);
  });
});

describe("a caller", () => {
  it("has one counter for each limit that is counted, in its order", () => {
    const { counters, standing } = callerIn(policy);
    expect(counters.map(({ metric, window }) => `${metric}_per_${window}`)).toEqual([
      "concurrent_requests_per_in_flight",
      "usd_per_month",
      "requests_per_minute",
      "tokens_per_day",
    ]);
    expect(counters).toHaveLength(standing.counted.length);
  });

  it("has counters that carry neither ceiling nor revision", () => {
    const edited = Object.fromEntries(
      Object.keys(LIMITS).map((name) => [name, { ceiling: 99, shadow: true, httpStatus: 429 }]),
    );
    const other = policyOf({ limits: edited, revision: "r2", timezone: "Asia/Kolkata" });
    expect(callerIn(other).counters).toEqual(callerIn(policy).counters);
  });

  it("has counters of its own and counters that it shares", () => {
    const limits = {
      "organization.requests_per_day": 1,
      "workspaces.a.requests_per_day": 1,
      "workspaces.b.requests_per_day": 1,
      "roles.x.requests_per_day": 1,
      "roles.x.requests_per_hour": { ceiling: 1, shared: true },
      "roles.y.requests_per_day": 1,
    };
    const keys = ["a", "b"].flatMap((workspace) =>
      ["x", "y"].flatMap((role) =>
        ["p", "q"].map((as) => callerIn(policyOf({ limits }), { as, role, workspace }).counters.map(({ key }) => key)),
      ),
    );
    // One for the organization, two workspaces, two roles of two principals in each, and x as a whole in each.
    expect(new Set(keys.flat()).size).toBe(1 + 2 + 8 + 2);
  });

  it("has keys that no other names run together to", () => {
    const limits = { "roles.b.requests_per_day": 1, "roles.b-c.requests_per_day": 1, "roles.c.requests_per_day": 1 };
    const many = policyOf({ limits, workspaces: { a: {}, "a-b": {} } });
    const keys = [
      { workspace: "a", role: "b", as: "c-d" },
      { workspace: "a", role: "b-c", as: "d" },
      { workspace: "a-b", role: "c", as: "d" },
    ].flatMap((who) => callerIn(many, who).counters.map(({ key }) => key));
    expect(new Set(keys).size).toBe(3);
  });
});

describe("a scope", () => {
  it("has the id of the organization, the workspace or the principal", () => {
    const limits = { ...LIMITS, "roles.developer.usd_per_day": { ceiling: 1, shared: true } };
    const standing = standingIn(policyOf({ limits }), { as: "ann" });
    expect(standing.limits.map((limit) => [limit.name, scopeId(limit, standing, "ann")])).toEqual([
      ["organization.concurrent_requests", "acme"],
      ["workspaces.dev.usd_per_month", "dev"],
      ["roles.developer.requests_per_minute", "ann"],
      ["roles.developer.tokens_per_request", "ann"],
      ["roles.developer.usd_per_day", "dev"],
      ["principals.ann.tokens_per_day", "ann"],
    ]);
  });
});

describe("a counter's key", () => {
  it("is read where it is one principal's for its role's limit, and no other", () => {
    const limits = { ...LIMITS, "roles.developer.usd_per_day": { ceiling: 1, shared: true } };
    const read = callerIn(policyOf({ limits })).counters.map(({ key }) => readRoleCounterKey(key));
    const role = { limitKey: "requests_per_minute", workspace: "dev", role: "developer", principal: "ann" };
    expect(read).toEqual([undefined, undefined, role, undefined, undefined]);
  });
});
