import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LIMIT_KEYS } from "../../../src/domain/limit.js";
import { compilePolicy } from "../../../src/policy/compile.js";
import { loadPolicy } from "../../../src/policy/load-policy.js";
import { readPolicy } from "../../../src/policy/read.js";
import { faultLines, policyOf } from "./written.js";

describe("limits", () => {
  test("are named by scope, id and key, and stand in the order of their keys", () => {
    const limits = "{ usd_per_day: 1, concurrent_requests: 2, tokens_per_day: 3 }";
    const policy = policyOf(`version: 1
limits: ${limits}
workspaces: { w: { models: [], limits: ${limits} } }
roles: { r: { models: [], limits: ${limits} } }
principals: { "spiffe://acme/a.b": { role: r, workspace: w, limits: ${limits} } }
`);
    const names = [
      policy.limits,
      policy.workspaces.get("w")?.limits,
      policy.roles.get("r")?.limits,
      policy.principals.get("spiffe://acme/a.b")?.limits,
    ].map((scope) => scope?.map(({ name }) => name));
    expect(names).toEqual(
      ["organization", "workspaces.w", "roles.r", "principals.spiffe://acme/a.b"].map((prefix) => [
        `${prefix}.concurrent_requests`,
        `${prefix}.tokens_per_day`,
        `${prefix}.usd_per_day`,
      ]),
    );
  });

  test.each<[string, object]>([
    ["requests_per_minute: 60", { metric: "requests", window: "minute", ceiling: 60, httpStatus: 429 }],
    ["tokens_per_request: 5", { metric: "tokens", window: "request", ceiling: 5, httpStatus: 422 }],
    ["tokens_per_minute: 5", { metric: "tokens", window: "minute", httpStatus: 429 }],
    ["input_tokens_per_hour: 5", { metric: "input_tokens", window: "hour", httpStatus: 402 }],
    ["usd_per_second: 5", { metric: "usd", window: "second", ceiling: 5_000_000_000, httpStatus: 402 }],
    ["concurrent_requests: 5", { metric: "concurrent_requests", window: "in_flight", httpStatus: 429 }],
    ["usd_per_day: { ceiling: 5, status: 429 }", { ceiling: 5_000_000_000, httpStatus: 429, shadow: false }],
    ["tokens_per_day: { ceiling: 5, status: 403, on_exceed: shadow }", { httpStatus: 403, shadow: true }],
    ["usd_per_day: { ceiling: 5, on_exceed: deny }", { httpStatus: 402, shadow: false, shared: false }],
  ])("%s", (limit, expected) => {
    expect(policyOf(`version: 1\nlimits: { ${limit} }\n`).limits).toMatchObject([
      { scope: "organization", ...expected },
    ]);
  });

  test("of a role may be shared", () => {
    const policy = policyOf(
      "version: 1\nroles: { r: { models: [], limits: { tokens_per_day: { ceiling: 1, shared_by: role }, tokens_per_hour: { ceiling: 1, shared_by: principal } } } }\n",
    );
    expect(policy.roles.get("r")?.limits).toMatchObject([
      { key: "tokens_per_day", scope: "role", shared: true },
      { key: "tokens_per_hour", scope: "role", shared: false },
    ]);
  });

  test("are read under every key that there is", () => {
    const keys = [...LIMIT_KEYS.keys()];
    const policy = policyOf(`version: 1\nlimits: { ${keys.map((key) => `${key}: 1`).join(", ")} }\n`);
    expect(policy.limits.map(({ key }) => key)).toEqual(keys.sort());
  });
});

describe("what a file leaves out", () => {
  test("has its default", () => {
    const policy = policyOf("version: 1\nworkspaces: { w: { models: [] } }\nroles: { r: { models: [] } }\n");
    expect(policy).toMatchObject({
      organization: "default",
      timezone: "UTC",
      limits: [],
      unlistedPrincipals: "allow",
      defaultMaxOutputTokens: 4096,
    });
    expect(policy.workspaces.get("w")).toEqual({
      name: "w",
      limits: [],
      models: new Set(),
      endpoints: undefined,
      onStoreFailure: "deny",
      unsettled: "charge",
      reservationTtlMs: 900_000,
      priceFactor: { numerator: 1n, denominator: 1n },
      defaultMaxOutputTokens: undefined,
      upstreamKey: undefined,
      unbounded: new Set(["output"]),
    });
    expect(policy.principals.size).toBe(0);
    expect(policy).toMatchObject({
      credentials: { holders: new Set(), byApiKeyHash: new Map(), bySpiffeId: new Map(), tokens: new Map() },
      trust: [],
      issuers: new Map(),
    });
  });

  test("in a workspace is the policy's, and what it says replaces that", () => {
    const policy = policyOf(`version: 1
on_store_failure: allow
unsettled: release
reservation_ttl: 2h
price_factor: 1.1
default_max_output_tokens: 100
unbounded: [batch, priority_tier]
workspaces:
  plain: { models: [], upstream_key: { file: /run/key } }
  own: { models: [], unbounded: [], upstream_key: { env: KEY }, on_store_failure: deny, unsettled: charge, reservation_ttl: 1s, price_factor: 1.5, default_max_output_tokens: 7 }
roles:
  r: { models: [], default_max_output_tokens: 8 }
`);
    expect(policy.defaultMaxOutputTokens).toBe(100);
    expect(policy.workspaces.get("plain")).toMatchObject({
      onStoreFailure: "allow",
      unsettled: "release",
      reservationTtlMs: 7_200_000,
      priceFactor: { numerator: 11n, denominator: 10n },
      defaultMaxOutputTokens: undefined,
      upstreamKey: { kind: "file", path: "/run/key" },
      unbounded: new Set(["batch", "priority_tier"]),
    });
    expect(policy.workspaces.get("own")).toMatchObject({
      onStoreFailure: "deny",
      unsettled: "charge",
      reservationTtlMs: 1_000,
      priceFactor: { numerator: 15n, denominator: 10n },
      defaultMaxOutputTokens: 7,
      upstreamKey: { kind: "env", name: "KEY" },
      unbounded: new Set(),
    });
    expect(policy.roles.get("r")?.defaultMaxOutputTokens).toBe(8);
  });
});

describe("lists", () => {
  test("of models become dated ids, of endpoints sets", () => {
    const policy = policyOf(`version: 1
workspaces: { w: { models: [mistral-small-latest, "codestral-embed*"], endpoints: [embeddings, ocr] } }
roles: { r: { models: ["*"], endpoints: [] } }
principals: { a: { role: r, workspace: w }, b: { role: r, workspace: w, models: [], endpoints: [ocr], disabled: true } }
`);
    const workspace = policy.workspaces.get("w");
    expect(workspace?.models).toEqual(new Set(["mistral-small-2603", "codestral-embed-2505"]));
    expect(workspace?.endpoints).toEqual(new Set(["embeddings", "ocr"]));
    expect(policy.roles.get("r")?.models).toEqual(new Set([...policy.models.values()].map(({ id }) => id)));
    expect(policy.roles.get("r")?.endpoints).toEqual(new Set());
    expect(policy.principals.get("a")).toMatchObject({ models: undefined, endpoints: undefined, disabled: false });
    expect(policy.principals.get("b")).toMatchObject({
      models: new Set(),
      endpoints: new Set(["ocr"]),
      disabled: true,
    });
  });
});

describe("the contract's example", () => {
  const content = readFileSync(new URL("contract-example.yaml", import.meta.url), "utf8");

  test("is sound but for what is not built yet, and comes to what it says", () => {
    const policy = policyOf(content);
    expect(policy).toMatchObject({ organization: "acme", timezone: "Europe/Paris" });
    expect(policy.limits).toMatchObject([{ name: "organization.usd_per_month", ceiling: 3_000_000_000_000 }]);
    expect([...policy.workspaces.keys()]).toEqual(["dev-workspace", "ml-workspace", "prod-workspace"]);
    expect(policy.workspaces.get("prod-workspace")?.limits.map(({ key, ceiling }) => [key, ceiling])).toEqual([
      ["requests_per_minute", 500],
      ["usd_per_hour", 25_000_000_000],
      ["usd_per_month", 2_000_000_000_000],
    ]);
    expect(policy.roles.get("senior")?.limits.map(({ key, ceiling }) => [key, ceiling])).toEqual([
      ["tokens_per_day", 1_000_000],
      ["tokens_per_request", 4_000],
    ]);
    expect(policy.principals.get("search-service")).toMatchObject({
      role: "senior",
      workspace: "prod-workspace",
      models: new Set(["mistral-embed-2312"]),
    });
    expect(policy.models.get("ft:mistral-small:acme:1")?.rates).toEqual(policy.models.get("mistral-small-2603")?.rates);
    expect(policy.roles.get("admin")?.models.has("ft:mistral-small:acme:1")).toBe(true);
  });

  test("with its hash cut short is refused where the hash stands", () => {
    const cut = content.replace(/9f86d0[0-9a-f]+/, "9f86d0…");
    expect(faultLines(cut)).toEqual([
      "p:33:25: principals.search-service.credentials[0].api_key_sha256: a text that is not shown is not the SHA-256 of an API key: 64 hexadecimal digits; copy the whole hash, quoted",
    ]);
  });

  test("passes between threads as plain data and compiles to the same there", () => {
    const read = readPolicy(new TextEncoder().encode(content), "p");
    if (read.kind !== "ok") throw new Error("the example is at fault");
    const posted = structuredClone(read);
    expect(posted).toEqual(read);
    expect(compilePolicy(posted.file, posted.revision)).toEqual(policyOf(content));
  });
});

test("the revision is the start of the content's SHA-256", () => {
  const revisionOf = (content: string) => {
    const loaded = loadPolicy(new TextEncoder().encode(content), "any name");
    return loaded.kind === "ok" ? loaded.policy.revision : undefined;
  };
  // printf 'version: 1\n' | sha256sum
  expect(revisionOf("version: 1\n")).toBe("09bfcc6a14b83e21");
  expect(revisionOf("version: 1 \n")).not.toBe("09bfcc6a14b83e21");
});

test("a file that reading would have refused does not compile", () => {
  const read = readPolicy(new TextEncoder().encode("version: 1\n"), "p");
  if (read.kind !== "ok") throw new Error("the file is at fault");
  const models = { a: { like: "nothing" } };
  expect(() => compilePolicy({ ...read.file, models }, "r")).toThrow('model a.like: unknown model "nothing"');
  expect(() =>
    compilePolicy(
      { ...read.file, limits: { x: { ceiling: 1, shadow: false, shared: false, status: undefined } } },
      "r",
    ),
  ).toThrow("no limit has the key x");
});
