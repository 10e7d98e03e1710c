import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  counterCode,
  fieldOf,
  limitNameOf,
  metricCode,
  readRoleField,
  SCOPE,
  scopeOf,
  windowCode,
} from "../../../../src/counters/redis/codes.js";
import { LIMIT_KEYS } from "../../../../src/domain/limit.js";
import { limitOf } from "../../../support/policy-words.js";

const NAMES = { workspace: "dev", role: "developer", principal: "ann" };
const COUNTED = [...LIMIT_KEYS].filter(([, { window }]) => window !== "request");
const LIMITS = COUNTED.flatMap(([key, counted]) =>
  [
    { name: `organization.${key}`, shared: false, scope: SCOPE.organization },
    { name: `workspaces.dev.${key}`, shared: false, scope: SCOPE.workspace },
    { name: `roles.developer.${key}`, shared: true, scope: SCOPE.shared },
    { name: `roles.developer.${key}`, shared: false, scope: SCOPE.role },
    { name: `principals.ann.${key}`, shared: false, scope: SCOPE.principal },
  ].map(({ name, shared, scope }) => ({
    name,
    scope,
    limit: limitOf(name, { ceiling: 1, shared }),
    counter: counted,
    key,
  })),
);

describe("a counter's byte", () => {
  it("is another for every metric, window and scope, and fits in a byte", () => {
    const codes = LIMITS.map(({ scope, counter }) => counterCode(scope, counter));
    expect(codes.length).toBe(31 * 5);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.every((code) => Number.isInteger(code) && code >= 0 && code < 256)).toBe(true);
  });

  it.each(LIMITS)("names its limit: $name, of a role's together: $limit.shared", ({ name, scope, limit, counter }) => {
    expect(scopeOf(limit)).toBe(scope);
    expect(limitNameOf(counterCode(scope, counter), NAMES)).toBe(name);
  });

  it("is as it is stored: 32 x scope + 0 in flight, or 6 x (metric - 1) + window", () => {
    expect([
      counterCode(SCOPE.organization, { metric: "requests", window: "second" }),
      counterCode(SCOPE.workspace, { metric: "usd", window: "month" }),
      counterCode(SCOPE.shared, { metric: "tokens", window: "day" }),
      counterCode(SCOPE.role, { metric: "concurrent_requests", window: "in_flight" }),
      counterCode(SCOPE.principal, { metric: "output_tokens", window: "week" }),
    ]).toEqual([1, 32 + 30, 64 + 10, 96, 128 + 23]);
  });
});

describe("the numbers that scripts know", () => {
  it("of metrics stay as they are", () => {
    const metrics = ["requests", "tokens", "input_tokens", "output_tokens", "usd", "concurrent_requests"] as const;
    expect(metrics.map(metricCode)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("of windows stay as they are", () => {
    const windows = ["second", "minute", "hour", "day", "week", "month", "in_flight"] as const;
    expect(windows.map(windowCode)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("a counter's field", () => {
  it("is another for each counter in its hash", () => {
    const fields = (isShared: boolean) =>
      LIMITS.filter(({ scope }) => scope < SCOPE.role === isShared).map(({ scope, counter }) =>
        fieldOf(scope, counter, "dev", "developer"),
      );
    expect([fields(true), fields(false)].map((some) => new Set(some).size)).toEqual([31 * 3, 31 * 2]);
    expect([...fields(true), ...fields(false)]).not.toContain("#");
  });

  it("tells workspaces and roles apart", () => {
    const counter = { metric: "tokens", window: "day" } as const;
    expect([
      fieldOf(SCOPE.organization, counter, "dev", "developer"),
      fieldOf(SCOPE.workspace, counter, "dev", "developer"),
      fieldOf(SCOPE.shared, counter, "dev", "developer"),
    ]).toEqual(["td", "td dev", "td dev developer"]);
  });

  it.each(LIMITS.filter(({ scope }) => scope === SCOPE.role))(
    "of a role's limit is read again: $key",
    ({ key, scope, counter }) => {
      const field = fieldOf(scope, counter, "dev", "developer");
      expect(readRoleField(field)).toEqual({ limitKey: key, workspace: "dev", role: "developer" });
    },
  );

  it("of a principal's own limit, and the hash's own, are none of a role", () => {
    const own = LIMITS.filter(({ scope }) => scope === SCOPE.principal);
    const fields = own.map(({ scope, counter }) => fieldOf(scope, counter, "dev", "developer"));
    expect(
      ["#", "", "t", "xd dev developer", "tx dev developer", "tdd dev developer", "td dev", ...fields].map(
        readRoleField,
      ),
    ).toEqual(Array.from({ length: 7 + 31 }, () => undefined));
  });

  it("is read from any text without an error", () => {
    const parts = fc.array(fc.constantFrom("t", "d", " ", "dev", "#", "rs", "cf", "é"), { maxLength: 6 });
    const property = fc.property(parts, (letters) => {
      const read = readRoleField(letters.join(""));
      if (read) expect([...LIMIT_KEYS.keys()]).toContain(read.limitKey);
    });
    fc.assert(property, { seed: 1, numRuns: 1_000 });
  });
});
