import { describe, expect, it } from "vitest";
import { formatDay, parseDay, parseMonth } from "../../../src/domain/day.js";

describe("a day", () => {
  it.each([
    ["1970-01-01", 0],
    ["2026-03-10", 20_522],
    ["2028-02-29", 21_243],
  ])("%s is day %i", (date, label) => {
    expect(parseDay(date)).toBe(label);
    expect(formatDay(label)).toBe(date);
  });

  it.each([
    "",
    "today",
    "2026-3-1",
    "2026-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-03-32",
    " 2026-03-10",
    "2026-03-10Z",
  ])("is not %j", (text) => {
    expect(parseDay(text)).toBeUndefined();
  });
});

describe("a month", () => {
  it.each([
    ["2026-02", "2026-02-01", "2026-02-28"],
    ["2028-02", "2028-02-01", "2028-02-29"],
    ["2026-12", "2026-12-01", "2026-12-31"],
    ["0050-01", "0050-01-01", "0050-01-31"],
  ])("%s goes from %s to %s", (month, first, last) => {
    expect(parseMonth(month)).toEqual({ first: parseDay(first), last: parseDay(last) });
  });

  it.each(["", "2026", "2026-13", "2026-1", "2026-03-10", "march"])("is not %j", (text) => {
    expect(parseMonth(text)).toBeUndefined();
  });
});
