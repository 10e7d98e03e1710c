import { describe, expect, test } from "vitest";
import { formatCount, formatPairs, formatTable, plural } from "../../../src/commands/table.js";

describe("a table", () => {
  test("aligns columns, numbers to the right, and ends no line with a space", () => {
    const columns = [
      { title: "NAME", align: "left" },
      { title: "USED", align: "right" },
      { title: "", align: "left" },
    ] as const;
    const rows = [["a", "1", "passes"], "a line that is longer than any of the columns", ["longer", "100", ""]];
    expect(formatTable(columns, rows)).toBe(
      [
        "NAME    USED",
        "a          1  passes",
        "a line that is longer than any of the columns",
        "longer   100",
        "",
      ].join("\n"),
    );
  });

  test("shows what a terminal would act on as escapes, and aligns by them", () => {
    const columns = [
      { title: "NAME", align: "left" },
      { title: "USED", align: "right" },
    ] as const;
    expect(formatTable(columns, [["a\u001b[2J", "1"], "line\n\u009b", ["b", "2"]])).toBe(
      ["NAME        USED", "a\\u{1b}[2J     1", "line\\u{a}\\u{9b}", "b              2", ""].join("\n"),
    );
  });

  test("without rows is its titles", () => {
    expect(formatTable([{ title: "A", align: "left" }], [])).toBe("A\n");
  });
});

describe("pairs", () => {
  test("stand below each other; those without a text are left out", () => {
    const pairs = [
      ["a", "1"],
      ["very long", undefined],
      ["bcd", "2"],
      ["e", ""],
    ] as const;
    expect(formatPairs(pairs)).toBe("a    1\nbcd  2\n");
  });

  test("show what a terminal would act on as escapes", () => {
    expect(formatPairs([["a", "1\u001b[2J\r"]])).toBe("a  1\\u{1b}[2J\\u{d}\n");
  });

  test("may be none", () => {
    expect(formatPairs([])).toBe("");
  });
});

test("counts are written with commas, and units by number", () => {
  expect(formatCount(1_234_567)).toBe("1,234,567");
  expect([0, 1, 2].map((count) => plural(count, "limit"))).toEqual(["0 limits", "1 limit", "2 limits"]);
});
