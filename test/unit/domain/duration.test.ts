import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../../src/domain/duration.js";

describe("a duration", () => {
  test.each([
    ["50ms", 50],
    ["0s", 0],
    ["2s", 2_000],
    ["15m", 900_000],
    ["1h30m", 5_400_000],
    ["1h2m3s4ms", 3_723_004],
  ])("%s is %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(formatDuration(ms)).toBe(text);
  });

  test.each(["", "5", "s", "1.5s", "-1s", "1s1m", "1 s", "1S", "5m5", "1000000000s", "٣s"])("%s is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
