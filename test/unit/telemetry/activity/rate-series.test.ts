import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RateSeries } from "../../../../src/telemetry/activity/rate-series.js";

const STEP = 1_000;

function series(): RateSeries {
  return new RateSeries({ stepMs: STEP, steps: 5, columns: 3 });
}

describe("a series of rates", () => {
  it("tells whole steps, oldest first, and not the one that runs", () => {
    const rates = series();
    for (const at of [10_000, 10_999, 11_500, 12_000]) rates.add(at, 1);
    const told = rates.read(12_900);
    expect(told).toMatchObject({ stepMs: STEP, from: 7_000 });
    expect([...told.counts]).toEqual([[1, [0, 0, 0, 2, 1]]]);
    expect(rates.read(13_000).counts.get(1)).toEqual([0, 0, 2, 1, 1]);
  });

  it("forgets what is older than it reaches, also after a long silence", () => {
    const rates = series();
    rates.add(10_000, 0);
    expect(rates.read(15_999).counts.get(0)).toEqual([1, 0, 0, 0, 0]);
    expect(rates.read(16_000).counts.size).toBe(0);
    rates.add(99_000_000, 2);
    expect([...rates.read(99_001_000).counts]).toEqual([[2, [0, 0, 0, 0, 1]]]);
  });

  it("counts what is told late with the step that runs", () => {
    const rates = series();
    rates.add(12_000, 0);
    rates.add(11_000, 0);
    expect(rates.read(13_000).counts.get(0)).toEqual([0, 0, 0, 0, 2]);
  });

  it("tells each event in its step, whatever came", () => {
    const events = fc.array(fc.record({ after: fc.nat(2_500), column: fc.nat(2) }), { maxLength: 40 });
    fc.assert(
      fc.property(events, (steps) => {
        const rates = series();
        let at = 1_000_000;
        const told: { readonly at: number; readonly column: number }[] = [];
        for (const { after, column } of steps) {
          at += after;
          rates.add(at, column);
          told.push({ at, column });
        }
        const { from, counts } = rates.read(at);
        for (const column of [0, 1, 2]) {
          const expected = Array.from({ length: 5 }, (_, step) => {
            const begin = from + step * STEP;
            return told.filter((one) => one.column === column && one.at >= begin && one.at < begin + STEP).length;
          });
          expect(counts.get(column) ?? [0, 0, 0, 0, 0]).toEqual(expected);
        }
      }),
    );
  });
});
