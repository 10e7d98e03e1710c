import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { policyJsonSchema } from "../../../src/policy/json-schema.js";
import { policySchema } from "../../../src/policy/schema.js";

const schema = policyJsonSchema();
const accepts = (data: unknown) => z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema).safeParse(data).success;
const example = () => parse(readFileSync(new URL("contract-example.yaml", import.meta.url), "utf8"));

describe("the JSON Schema", () => {
  test("is of draft 2020-12 and names every key of the file", () => {
    expect(schema).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema", required: ["version"] });
    expect(Object.keys(Object(schema).properties)).toEqual(Object.keys(policySchema.shape));
  });

  test("accepts the contract's example, in which editors take 100_000 for text", () => {
    expect(example().roles.analyst.limits.tokens_per_day).toBe("100_000");
    expect(accepts(example())).toBe(true);
  });

  test.each<[string, (data: ReturnType<typeof example>) => void]>([
    ["an unknown key at the top", (data) => Object.assign(data, { colour: "red" })],
    ["an unknown key of a workspace", (data) => Object.assign(data.workspaces["ml-workspace"], { colour: "red" })],
    ["an unknown limit", (data) => Object.assign(data.roles.admin.limits, { tokens_per_fortnight: 1 })],
    [
      "a shared limit outside roles",
      (data) => Object.assign(data.limits, { usd_per_day: { ceiling: 1, shared_by: "role" } }),
    ],
    ["a status on a rate", (data) => Object.assign(data.limits, { requests_per_day: { ceiling: 1, status: 429 } })],
    ["a negative ceiling", (data) => Object.assign(data.limits, { usd_per_day: -1 })],
    ["half a token", (data) => Object.assign(data.limits, { tokens_per_day: 0.5 })],
    ["another version", (data) => Object.assign(data, { version: 2 })],
    ["a duration without unit", (data) => Object.assign(data, { reservation_ttl: "15" })],
    ["an unknown endpoint", (data) => Object.assign(data.roles.admin, { endpoints: ["chat"] })],
  ])("refuses %s", (_, spoil) => {
    const data = example();
    spoil(data);
    expect(accepts(data)).toBe(false);
  });

  test.each<[string, (data: ReturnType<typeof example>) => void]>([
    [
      "a shared limit of a role",
      (data) => Object.assign(data.roles.admin.limits, { usd_per_day: { ceiling: 1, shared_by: "role" } }),
    ],
    ["a status on a budget", (data) => Object.assign(data.limits, { usd_per_day: { ceiling: 0.5, status: 429 } })],
    ["a list of alert patterns", (data) => Object.assign(data.alerts[0], { limits: ["*"] })],
  ])("accepts %s", (_, change) => {
    const data = example();
    change(data);
    expect(accepts(data)).toBe(true);
  });

  test("explains every key", () => {
    const unexplained: string[] = [];
    const visit = (node: unknown, path: string) => {
      for (const [key, value] of Object.entries(Object(Object(node).properties))) {
        if (!Object(value).description) unexplained.push(`${path}.${key}`);
      }
      for (const [key, value] of Object.entries(Object(node))) {
        if (typeof value === "object" && value !== null) visit(value, `${path}.${key}`);
      }
    };
    visit(schema, "");
    expect(unexplained).toEqual([]);
  });
});
