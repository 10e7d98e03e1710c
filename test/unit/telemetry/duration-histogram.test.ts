import { describe, expect, it } from "vitest";
import { DurationHistogram } from "../../../src/telemetry/duration-histogram.js";

describe("DurationHistogram", () => {
  it("puts a duration into the first bucket whose bound is not below it", () => {
    const histogram = new DurationHistogram([0.001, 0.01, 0.1]);
    for (const seconds of [0, 0.001, 0.0011, 0.01, 0.05, 0.1, 0.100001, 7]) histogram.observe(seconds);
    expect(histogram.snapshot().counts).toEqual([2, 2, 2, 2]);
  });

  it("tells how many there were and their sum", () => {
    const histogram = new DurationHistogram([1]);
    for (const seconds of [0.25, 0.5, 4]) histogram.observe(seconds);
    expect(histogram.snapshot()).toMatchObject({ bounds: [1], count: 3, sumSeconds: 4.75 });
  });

  it("leaves out what is no duration", () => {
    const histogram = new DurationHistogram([1]);
    for (const seconds of [Number.NaN, -1, Number.POSITIVE_INFINITY]) histogram.observe(seconds);
    expect(histogram.snapshot()).toEqual({ bounds: [1], counts: [0, 0], count: 0, sumSeconds: 0 });
  });
});
