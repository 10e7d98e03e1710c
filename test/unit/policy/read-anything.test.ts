import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatFault } from "../../../src/policy/faults.js";
import { loadPolicy } from "../../../src/policy/load-policy.js";

const example = new Uint8Array(readFileSync(new URL("contract-example.yaml", import.meta.url)));
const lines = new TextDecoder().decode(example).split("\n");

/** Load what may be anything, and hold the answer to its promises: a policy, or faults of one line each, in order. */
function outcome(bytes: Uint8Array): "ok" | "faulty" {
  const loaded = loadPolicy(bytes, "p");
  if (loaded.kind === "ok") {
    expect(loaded.policy.revision).toMatch(/^[0-9a-f]{16}$/);
    return "ok";
  }
  expect(loaded.faults.length).toBeGreaterThan(0);
  for (const fault of loaded.faults) expect(formatFault(fault)).toMatch(/^p:\d+:\d+: .+; .+$/u);
  const places = loaded.faults.map(({ line, column }) => line * 1e7 + column);
  expect(places).toEqual([...places].sort((left, right) => left - right));
  return "faulty";
}

const TOKENS = [
  "version: 1",
  "roles:",
  "workspaces:",
  "principals:",
  "models:",
  "limits:",
  "trust:",
  "alerts:",
  "notify:",
  "\n",
  "\n  ",
  "\n    ",
  "- ",
  "? ",
  ": ",
  ", ",
  "{",
  "}",
  "[",
  "]",
  "&a ",
  "*a",
  "<<: ",
  "!!str ",
  "!x ",
  "'",
  '"',
  "|\n",
  ">\n",
  "#",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "\t",
  "__proto__",
  "constructor",
  "null",
  "~",
  ".inf",
  ".nan",
  "-1",
  "1e999",
  "1_000",
  '"*"',
  "*",
  "usd_per_month",
  "ceiling",
  "like",
  "jwt",
  "spiffe",
  "api_key_sha256",
  "file",
  "\u0000",
  "\ud800",
  "é",
  "😀",
];

describe("whatever the bytes, reading ends in a policy or in faults", () => {
  test("random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(outcome(bytes)).toBe("faulty");
      }),
      { numRuns: 500 },
    );
  });

  test("words of YAML in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TOKENS), { maxLength: 40 }), (tokens) => {
        expect(["ok", "faulty"]).toContain(outcome(new TextEncoder().encode(tokens.join(""))));
      }),
      { numRuns: 3_000 },
    );
  });

  test("a policy with bytes changed", () => {
    const change = fc.record({ at: fc.nat({ max: example.length - 1 }), byte: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = example.slice();
        for (const { at, byte } of changes) bytes[at] = byte;
        expect(["ok", "faulty"]).toContain(outcome(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test("a policy with lines moved, lost and doubled", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...lines), { maxLength: 60 }), (shuffled) => {
        expect(["ok", "faulty"]).toContain(outcome(new TextEncoder().encode(`version: 1\n${shuffled.join("\n")}`)));
      }),
      { numRuns: 500 },
    );
  });

  test("maps and lists of any shape under the keys of a policy", () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.double(),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom("*", "a", "50%", "1h", "mistral-small-latest", "spiffe://a/b"),
    );
    const keys = fc.constantFrom(
      ...[
        "a",
        "b",
        "*",
        "__proto__",
        "toString",
        "models",
        "limits",
        "role",
        "workspace",
        "credentials",
        "jwt",
        "spiffe",
      ],
      ...[
        "issuer",
        "claims",
        "principal",
        "claim",
        "map",
        "like",
        "aliases",
        "prices",
        "input",
        "free",
        "at",
        "notify",
      ],
      ...["secret", "file", "env", "usd_per_day", "ceiling", "status", "upstream_key", "endpoints", "<<", "1", ""],
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        leaf,
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(keys, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    const sections = fc.constantFrom(
      ...["version", "organization", "timezone", "limits", "workspaces", "roles", "principals", "trust", "models"],
      ...["alerts", "notify", "reservation_ttl", "price_factor", "default_max_output_tokens"],
    );
    const written = (value: unknown) =>
      JSON.stringify(value, (_, part) => (typeof part === "bigint" ? Number(part) : part));
    fc.assert(
      fc.property(fc.dictionary(sections, tree, { maxKeys: 6 }), (data) => {
        expect(["ok", "faulty"]).toContain(outcome(new TextEncoder().encode(written({ version: 1, ...data }))));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("large files", () => {
  const principals = (count: number) =>
    Array.from(
      { length: count },
      (_, index) =>
        `  svc-${index}: { role: r, workspace: w, limits: { requests_per_minute: ${index}, usd_per_day: 1.${index} } }\n`,
    ).join("");
  const head = 'version: 1\nworkspaces: { w: { models: ["*"] } }\nroles: { r: { models: ["*"] } }\nprincipals:\n';

  test("ten thousand principals are read whole, and soon", () => {
    const started = performance.now();
    const loaded = loadPolicy(new TextEncoder().encode(head + principals(10_000)), "p");
    // Well under a second on a quiet machine; what is quadratic takes a minute.
    expect(performance.now() - started).toBeLessThan(10_000);
    if (loaded.kind !== "ok") throw new Error("the file is at fault");
    expect(loaded.policy.principals.size).toBe(10_000);
    expect(loaded.policy.principals.get("svc-9999")?.limits).toMatchObject([
      { name: "principals.svc-9999.requests_per_minute", ceiling: 9_999 },
      { name: "principals.svc-9999.usd_per_day", ceiling: 1_999_900_000 },
    ]);
  });

  test.each<[string, string]>([
    ["unknown keys", Array.from({ length: 50_000 }, (_, index) => `key-${index}: 1\n`).join("")],
    ["unknown roles", head + principals(10_000).replaceAll("role: r", "role: rr")],
    ["wrong ceilings", head + principals(10_000).replaceAll("usd_per_day: 1", "usd_per_dey: x")],
    ["duplicates", head + principals(5_000) + principals(5_000)],
    ["commas", `a: [${",".repeat(100_000)}]`],
    ["bad escapes", `a: "${"\\q".repeat(100_000)}"`],
    ["brackets", "[]".repeat(100_000)],
    ["documents", "---\n".repeat(100_000)],
    ["stars in patterns", `version: 1\nroles: { r: { models: ["${"*a".repeat(60)}*b"] } }`],
  ])("full of %s are refused, with a thousand faults at most", (_, content) => {
    const started = performance.now();
    const loaded = loadPolicy(new TextEncoder().encode(content), "p");
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(loaded.kind).toBe("faulty");
    if (loaded.kind === "faulty") expect(loaded.faults.length).toBeLessThanOrEqual(1_001);
  });
});
