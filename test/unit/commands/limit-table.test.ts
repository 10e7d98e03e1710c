import { describe, expect, test } from "vitest";
import { readLimitsPage } from "../../../src/commands/limit-rows.js";
import { type LimitRow, limitTable } from "../../../src/commands/limit-table.js";
import { NOON } from "./run-cli.js";

const ROW: LimitRow = {
  name: "workspaces.prod-workspace.requests_per_minute",
  of: "prod-workspace",
  isMoney: false,
  counts: "in a window",
  ceiling: 1_000_000,
  used: 12,
  reserved: 3,
  remaining: 999_985,
  resetsAt: NOON + 42_000,
  shadow: false,
};

describe("a table of limits", () => {
  test("names each scope once, and fits the longest names into 100 columns", () => {
    const table = limitTable(
      [
        ROW,
        { ...ROW, name: "workspaces.prod-workspace.usd_per_month", isMoney: true, ceiling: 9_007_199_254_740_991 },
        { ...ROW, name: "roles.senior.tokens_per_day", of: "search-service in prod-workspace", shadow: true },
        { ...ROW, name: "roles.senior.tokens_per_day", of: "ada in ml-workspace" },
      ],
      NOON,
    );
    expect(table.split("\n").map((line) => line.replace(/ {2,}/g, "  "))).toEqual([
      "LIMIT  USED  RESERVED  CEILING  LEFT  RESETS IN",
      "workspaces.prod-workspace",
      "  requests_per_minute  12  3  1,000,000  999,985  42 s",
      "  usd_per_month  $0.000000012  $0.000000003  $9007199.254740991  $0.000999985  42 s",
      "roles.senior (search-service in prod-workspace)",
      "  tokens_per_day (shadow)  12  3  1,000,000  999,985  42 s",
      "roles.senior (ada in ml-workspace)",
      "  tokens_per_day  12  3  1,000,000  999,985  42 s",
      "",
    ]);
    for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  test.each([
    ["each request", { counts: "each request", resetsAt: undefined }, /m +1,000,000 +each request$/],
    ["in flight", { counts: "in flight", resetsAt: undefined }, /12 +3 +1,000,000 +999,985$/],
    ["a window that is over", { resetsAt: NOON - 1 }, /999,985 +now$/],
    ["a window that nothing was counted in", { resetsAt: undefined }, /999,985$/],
  ] as const)("shows what counts %s by what it has", (_, more, line) => {
    const [, , row = ""] = limitTable([{ ...ROW, name: "organization.m", of: "acme", ...more }], NOON).split("\n");
    expect(row).toMatch(line);
  });
});

describe("a page of limits", () => {
  const limit = {
    name: "roles.senior.usd_per_month",
    metric: "METRIC_NANO_USD",
    window: "WINDOW_MONTH",
    ceiling: "50000000000",
    used: "20000000000",
    reserved: "7",
    remaining: "29999999993",
    resets_at: "2026-11-22T12:00:42Z",
    scope_id: "ada",
    shadow: false,
    workspace: "dev",
    principal: "ada",
  };
  const page = { policy_revision: "r1", limits: [limit], next: "more" };

  test("is read as rows, beside what came", () => {
    expect(readLimitsPage(page)).toEqual({
      policyRevision: "r1",
      limits: [limit],
      rows: [
        expect.objectContaining({
          of: "ada in dev",
          isMoney: true,
          counts: "in a window",
          ceiling: 50_000_000_000,
          resetsAt: NOON + 42_000,
        }),
      ],
      next: "more",
    });
  });

  test("may hold limits without an end, in flight", () => {
    const { resets_at: _, ...endless } = { ...limit, window: "WINDOW_IN_FLIGHT", workspace: "dev", principal: "" };
    expect(readLimitsPage({ ...page, limits: [endless] })?.rows).toEqual([
      expect.objectContaining({ of: "ada", counts: "in flight", resetsAt: undefined }),
    ]);
  });

  test.each([
    ["nothing", undefined],
    ["a text", "limits"],
    ["no limits", { policy_revision: "r1" }],
    ["a limit with a number for a text", { ...page, limits: [{ ...limit, used: 20 }] }],
    ["a limit without its name", { ...page, limits: [{ ...limit, name: undefined }] }],
  ])("is not made of %s", (_, body) => {
    expect(readLimitsPage(body)).toBeUndefined();
  });
});
