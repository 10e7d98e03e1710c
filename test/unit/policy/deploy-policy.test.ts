import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Limit } from "../../../src/domain/limit.js";
import { policyOf, warningLines } from "./written.js";

const content = readFileSync(new URL("../../../deploy/policy.yaml", import.meta.url), "utf8");
const policy = policyOf(content);
const ceilings = (limits: readonly Limit[] = []) =>
  Object.fromEntries(limits.map(({ key, ceiling }) => [key, ceiling]));
const USD = 1_000_000_000;

test("the policy to start from is loaded without a warning", () => {
  expect(warningLines(content)).toEqual([]);
});

test.each([
  ["dev-workspace", { requests_per_minute: 60, usd_per_month: 50 * USD }],
  ["ml-workspace", { requests_per_minute: 200, usd_per_month: 500 * USD }],
  ["prod-workspace", { requests_per_minute: 500, usd_per_month: 2_000 * USD, usd_per_hour: 25 * USD }],
])("%s has its rate and its money", (name, expected) => {
  expect(ceilings(policy.workspaces.get(name)?.limits)).toEqual(expected);
});

test.each([
  ["analyst", ["mistral-small-latest", "mistral-embed"], { tokens_per_request: 500, tokens_per_day: 100_000 }],
  [
    "developer",
    ["mistral-small-latest", "codestral-latest", "mistral-embed"],
    { tokens_per_request: 2_000, tokens_per_day: 500_000 },
  ],
  [
    "senior",
    ["mistral-small-latest", "mistral-large-latest", "codestral-latest", "mistral-embed"],
    { tokens_per_request: 4_000, tokens_per_day: 1_000_000 },
  ],
  ["admin", [...policy.models.keys()], { tokens_per_request: 8_000 }],
])("%s has its models and its tokens", (name, models, expected) => {
  const role = policy.roles.get(name);
  expect(role?.models).toEqual(new Set(models.map((model) => policy.models.get(model)?.id)));
  expect(ceilings(role?.limits)).toEqual(expected);
});

test("callers that are not listed are welcome, and services in production are narrowed one by one", () => {
  expect(policy.unlistedPrincipals).toBe("allow");
  expect(policy.principals.get("search-service")).toMatchObject({
    workspace: "prod-workspace",
    models: new Set(["mistral-embed-2312"]),
  });
  expect(policy.workspaces.get("prod-workspace")?.models).toEqual(policy.roles.get("admin")?.models);
});
