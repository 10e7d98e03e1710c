import { describe, expect, test } from "vitest";
import { faultLines, policyOf } from "./written.js";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("bytes that are no policy", () => {
  test.each<[string, string | Uint8Array, readonly string[]]>([
    ["an empty file", "", ["p:1:1: the file is empty; start it with `version: 1`"]],
    ["comments only", "# nothing\n", ["p:1:1: the file is empty; start it with `version: 1`"]],
    ["an empty document", "---\n", ["p:1:1: the file is empty; start it with `version: 1`"]],
    [
      "a list at the top",
      "- a\n",
      ["p:1:1: expected a map of keys at the top of the file, found a list; start the file with `version: 1`"],
    ],
    [
      "a text at the top",
      "hello",
      [
        'p:1:1: expected a map of keys at the top of the file, found the text "hello"; start the file with `version: 1`',
      ],
    ],
    [
      "a byte that is not UTF-8",
      new Uint8Array([...utf8("version: 1\nroles: é"), 0xff]),
      ["p:2:9: a byte that is not UTF-8; save the file as UTF-8"],
    ],
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x76, 0x00]), ["p:1:1: a byte that is not UTF-8; save the file as UTF-8"]],
    ["NUL", "version: 1\n\0", ["p:2:1: the control character U+0000, which YAML does not allow; remove it"]],
    ["an escape character", "a: \u001b", ["p:1:4: the control character U+001B, which YAML does not allow; remove it"]],
    [
      "a file of more than 4 MiB",
      new Uint8Array(4 * 1024 * 1024 + 1).fill(35),
      [
        "p:1:1: the file has 4,194,305 bytes, more than the 4,194,304 that are read; list fewer principals, and let trust rules or declared callers stand for the rest",
      ],
    ],
  ])("%s", (_, content, lines) => {
    expect(faultLines(content)).toEqual(lines);
  });
});

describe("YAML at fault", () => {
  test.each<[string, string, readonly string[]]>([
    [
      "a tab",
      "version: 1\n\troles: {}\n",
      ["p:2:1: not YAML: tabs are not allowed as indentation; indent with spaces"],
    ],
    [
      "two errors are told at once",
      "roles:\n  a: b: c\nlimits:\n  d: e: f\n",
      [
        "p:2:6: not YAML: nested mappings are not allowed in compact mappings; put the value on a line of its own, indented, or quote it",
        "p:4:6: not YAML: nested mappings are not allowed in compact mappings; put the value on a line of its own, indented, or quote it",
      ],
    ],
    [
      "a second document",
      "version: 1\n---\nversion: 1\n",
      ["p:2:1: a second YAML document; keep one document in the file"],
    ],
    ["a tag", "version: 1\norganization: !x acme\n", ["p:2:15: not YAML: unresolved tag: !x; remove the tag"]],
    [
      "nesting without end",
      `a: ${"[".repeat(100_000)}`,
      ["p:1:67: nested more than 60 deep; a policy is five or six deep: look for a bracket too many"],
    ],
    [
      "compact nesting without end",
      "- ".repeat(100_000),
      ["p:1:128: nested more than 60 deep; a policy is five or six deep: look for a bracket too many"],
    ],
  ])("%s", (_, content, lines) => {
    expect(faultLines(content)).toEqual(lines);
  });
});

describe("keys", () => {
  test.each<[string, string, readonly string[]]>([
    [
      "a duplicate",
      "version: 1\nroles:\n  a: { models: [] }\n  a: { models: [] }\n",
      ["p:4:3: roles.a: duplicate key; the first is on line 3; keep one of them"],
    ],
    [
      "a number",
      "version: 1\nroles: { 12: { models: [] } }\n",
      ['p:2:10: roles: the key "12" is not text; quote it: "12"'],
    ],
    ["a boolean", "version: 1\nroles: { true: {} }\n", ['p:2:10: roles: the key "true" is not text; quote it: "true"']],
    ["nothing", "version: 1\nroles:\n  : {}\n", ["p:3:3: roles: an empty key; write a name before the colon"]],
    ["a list", "version: 1\n? [a]\n: b\n", ["p:2:3: a key that is not text; write a name as the key"]],
    [
      "a merge key",
      "version: 1\nroles:\n  a: &a { models: [] }\n  b: { <<: *a, models: [] }\n",
      [
        'p:4:8: roles.b."<<": unknown key; YAML 1.2 has no merge key; write the keys out, or use an alias for the whole value',
      ],
    ],
    [
      "a merge key among names",
      "version: 1\nroles:\n  a: &a { models: [] }\n  <<: *a\n",
      ['p:4:3: roles."<<": "<<" cannot be the name of a role; YAML 1.2 has no merge key; write the entries out'],
    ],
    [
      "__proto__",
      "version: 1\nroles: { __proto__: { models: [] } }\n",
      ["p:2:10: roles: `__proto__` cannot be a key; choose another name"],
    ],
  ])("%s", (_, content, lines) => {
    expect(faultLines(content)).toEqual(lines);
  });

  test("names that every object has are names like others", () => {
    const policy = policyOf(
      'version: 1\nworkspaces: { toString: { models: ["*"] } }\nroles: { constructor: { models: ["*"] } }\nprincipals: { hasOwnProperty: { role: constructor, workspace: toString } }\n',
    );
    expect([...policy.workspaces.keys(), ...policy.roles.keys(), ...policy.principals.keys()]).toEqual([
      "toString",
      "constructor",
      "hasOwnProperty",
    ]);
  });

  test("and are unknown where nobody defined them", () => {
    expect(
      faultLines("version: 1\nprincipals:\n  a: { role: constructor, workspace: toString }\nlimits: { valueOf: 1 }\n"),
    ).toEqual([
      'p:3:14: principals.a.role: unknown role "constructor"; define it under roles',
      'p:3:38: principals.a.workspace: unknown workspace "toString"; define it under workspaces',
      "p:4:11: limits.valueOf: unknown key; write METRIC_per_WINDOW such as tokens_per_day or usd_per_month, or concurrent_requests (35 keys in all)",
    ]);
  });
});

describe("anchors and aliases", () => {
  test("stand for what they name", () => {
    const policy = policyOf(
      'version: 1\nworkspaces: { w: { models: &all ["*"], limits: &few { tokens_per_day: 5 } } }\nroles: { r: { models: *all, limits: *few } }\n',
    );
    expect(policy.roles.get("r")?.limits).toMatchObject([{ name: "roles.r.tokens_per_day", ceiling: 5 }]);
    expect(policy.roles.get("r")?.models).toEqual(policy.workspaces.get("w")?.models);
  });

  test.each<[string, string, readonly string[]]>([
    [
      "a fault behind an anchor is told once, where it is written",
      'version: 1\nworkspaces:\n  a: &a { models: ["*"], limitz: {} }\n  b: *a\n',
      ["p:3:26: workspaces.a.limitz: unknown key; did you mean limits?"],
    ],
    [
      "an alias without an anchor",
      "version: 1\norganization: *nobody\n",
      [
        'p:2:15: organization: no anchor "nobody" stands before this alias; define it further up',
        "p:2:15: organization: expected a name as text (letters, digits, _ and -, at most 64 of them), found nothing; give it a value, or remove the key",
      ],
    ],
    [
      "an alias of what it stands in",
      "version: 1\nroles: &r\n  a: *r\n",
      [
        'p:3:6: roles.a: the alias "r" stands within its own anchor; write the value out',
        "p:3:6: roles.a: expected a map that describes a role, found nothing; give it a value, or remove the key",
      ],
    ],
  ])("%s", (_, content, lines) => {
    expect(faultLines(content)).toEqual(lines);
  });

  test("an alias bomb is refused at once", () => {
    const letters = [..."abcdefghij"];
    const lines = letters.slice(1).map((letter, index) => {
      return `${letter}: &${letter} [${Array(10).fill(`*${letters[index]}`).join(", ")}]`;
    });
    const started = performance.now();
    const faults = faultLines(`version: 1\na: &a [x, x, x, x, x, x, x, x, x, x]\n${lines.join("\n")}\n`);
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(faults).toContain(
      "p:7:12: f[1]: aliases stand for more than 250000 values; write the values out, or use fewer aliases",
    );
  });
});

test("a byte order mark is passed over", () => {
  expect(policyOf("\ufeffversion: 1\n").organization).toBe("default");
});

test("JSON is YAML", () => {
  expect(policyOf('{"version": 1, "limits": {"usd_per_day": 1.0, "tokens_per_day": 1e3}}').limits).toMatchObject([
    { key: "tokens_per_day", ceiling: 1_000 },
    { key: "usd_per_day", ceiling: 1_000_000_000 },
  ]);
});
