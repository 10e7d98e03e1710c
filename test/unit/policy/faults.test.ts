import { expect, test } from "vitest";
import { dotted, faultsOf, formatFault, lineFinder, type Spot } from "../../../src/policy/faults.js";
import { describe as describeValue, show } from "../../../src/policy/show.js";

const spot = (offset: number, what: string): Spot => ({ offset, path: ["a"], what, remedy: "mend it" });

test("a fault is one line: file, line, column, path, what, remedy", () => {
  const [fault] = faultsOf(
    [{ offset: 5, path: ["roles", "a"], what: "wrong", remedy: "mend it" }],
    "one\ntwo",
    "f.yaml",
  );
  expect(fault && formatFault(fault)).toBe("f.yaml:2:2: roles.a: wrong; mend it");
});

test("a fault shows what a terminal would act on as escapes, also in the name of the file", () => {
  const fault = {
    file: "a\u001b]0;x\u0007\n.yaml",
    line: 1,
    column: 2,
    path: "",
    what: "wrong\u009b",
    remedy: "mend it",
  };
  expect(formatFault(fault)).toBe("a\\u{1b}]0;x\\u{7}\\u{a}.yaml:1:2: wrong\\u{9b}; mend it");
});

test("a fault of the whole file names no path", () => {
  const [fault] = faultsOf([{ offset: 0, path: [], what: "wrong", remedy: "mend it" }], "", "f.yaml");
  expect(fault && formatFault(fault)).toBe("f.yaml:1:1: wrong; mend it");
});

test("faults come in the order of the file", () => {
  const faults = faultsOf([spot(8, "third"), spot(0, "first"), spot(4, "second")], "one\ntwo\nthree", "f");
  expect(faults.map(({ line, what }) => [line, what])).toEqual([
    [1, "first"],
    [2, "second"],
    [3, "third"],
  ]);
});

test("what is wrong in one place is told once", () => {
  const places = [
    ["workspaces", "x", "limitz"],
    ["workspaces", "y", "limitz"],
  ];
  const faults = faultsOf(
    places.map((path) => ({ offset: 3, path, what: "unknown key", remedy: "" })),
    "text",
    "f",
  );
  expect(faults.map(({ path }) => path)).toEqual(["workspaces.x.limitz"]);
});

test("beyond a thousand faults the last one counts the rest, and their remedies are never sought", () => {
  let sought = 0;
  const spots = Array.from({ length: 1_500 }, (_, offset) => ({
    ...spot(offset, "wrong"),
    remedy: () => {
      sought += 1;
      return "mend it";
    },
  }));
  const faults = faultsOf(spots, "x".repeat(1_500), "f");
  expect(faults).toHaveLength(1_001);
  expect(faults.at(-1)).toMatchObject({ column: 1_001, what: "500 more faults from here on" });
  expect(sought).toBe(1_000);
});

test.each([
  [[], ""],
  [["a", 0, "b"], "a[0].b"],
  [["models", "ft:mistral-small:acme:1", "like"], "models.ft:mistral-small:acme:1.like"],
  [["principals", "a.b"], 'principals."a.b"'],
  [["roles", ""], 'roles.""'],
])("the path %j is written %s", (path, text) => {
  expect(dotted(path)).toBe(text);
});

test("lines are counted by line feeds, columns from 1", () => {
  const placed = lineFinder("a\r\nbc\n\nd");
  expect([0, 3, 4, 6, 7].map(placed)).toEqual([
    { line: 1, column: 1 },
    { line: 2, column: 1 },
    { line: 2, column: 2 },
    { line: 3, column: 1 },
    { line: 4, column: 1 },
  ]);
});

test("what a terminal would act on is shown as an escape, and long texts are cut", () => {
  expect(show("a\u001b[31m\nb\u2028\u009b")).toBe('"a\\u001b[31m\\nb\\u{2028}\\u{9b}"');
  expect(show("x".repeat(100))).toBe(`"${"x".repeat(60)}…"`);
});

test.each([
  [null, "nothing"],
  [[], "a list"],
  [{}, "a map"],
  ["a", 'the text "a"'],
  [1_500_000_000n, "the number 1.5"],
  [1e-10, "the number 1e-10"],
  [Number.NaN, "a number that is none"],
  [true, "true"],
])("a value is described: %#", (value, text) => {
  expect(describeValue(value)).toBe(text);
});
