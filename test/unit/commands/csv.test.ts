import { describe, expect, test } from "vitest";
import { csvOf } from "../../../src/commands/csv.js";

describe("CSV", () => {
  test("quotes what would end a cell", () => {
    expect(
      csvOf([
        ["a", "b,c", 'd"e'],
        ["", " f"],
      ]),
    ).toBe('a,"b,c","d""e"\r\n, f\r\n');
  });

  test.each([
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "\\u{9}'=1"],
    ["a;=1+1", "a;'=1+1"],
    ['a; "@b', `"a; ""'@b"`],
    ["a-b; c=d", "a-b; c=d"],
  ])("lets no spreadsheet calculate %j, whichever way it splits cells", (cell, written) => {
    expect(csvOf([[cell]])).toBe(`${written}\r\n`);
  });

  test("keeps a quoted formula harmless, and a line break in its line", () => {
    expect(csvOf([['=HYPERLINK("http://x","y")', "a\nb"]])).toBe(`"'=HYPERLINK(""http://x"",""y"")",a\\u{a}b\r\n`);
  });
});
