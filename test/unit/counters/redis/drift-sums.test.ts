import { describe, expect, it } from "vitest";
import type { HeldLot } from "../../../../src/counters/redis/drift-lots.js";
import { nameLot } from "../../../../src/counters/redis/drift-lots.js";
import { DriftSums, type DriftSumsOptions, type LookEnd } from "../../../../src/counters/redis/drift-sums.js";
import { MAX_AMOUNT } from "../../../../src/domain/units.js";

const NOW = 1_000_000;
const DAY = 20_522;
const NEXT_DAY = 5_000_000;
const SPAN = { label: 0, end: 0 };
const END: LookEnd = {
  now: NOW,
  horizon: NOW + 900_000,
  windows: { hour: SPAN, day: { label: DAY, end: NEXT_DAY }, week: SPAN, month: SPAN, until: 0 },
};

/** A lot of `td`, the tokens of a day, that ends in a minute. */
function lot(amount: number, words: Partial<HeldLot> = {}): HeldLot {
  return { principal: "ann", field: "td", window: "day", place: DAY, end: (NOW + 60_000) * 4, amount, ...words };
}

const LOT = nameLot(lot(0));

interface Seen {
  readonly before?: readonly HeldLot[];
  readonly held?: readonly HeldLot[];
  readonly after?: number;
}

/** What is found of the one lot. */
function lookAt({ before = [], held = [], after = 0 }: Seen, end = END, options: Partial<DriftSumsOptions> = {}) {
  const sums = new DriftSums({ seed: 1, ...options });
  sums.sawCell(before);
  for (const [nth, one] of held.entries()) sums.sawRecord(String(nth), [one]);
  const { lots, found } = sums.differences(new Map([[LOT, after]]), end);
  return { lots, found: [...found.values()] };
}

describe("DriftSums", () => {
  it.each<[string, Seen, number[]]>([
    ["finds nothing where cell and records agree", { before: [lot(7)], held: [lot(3), lot(4)], after: 7 }, []],
    ["finds what no record holds", { before: [lot(7)], held: [lot(3)], after: 7 }, [4]],
    ["finds what a cell lacks", { before: [lot(3)], held: [lot(3), lot(4)], after: 3 }, [-4]],
    ["finds a cell that is not there", { held: [lot(4)] }, [-4]],
    ["allows for what was settled before the records were read", { before: [lot(9)], held: [lot(5)], after: 5 }, []],
    ["allows for what was settled after it too", { before: [lot(9)], held: [lot(5)], after: 2 }, []],
    ["finds the part that cannot have been settled", { before: [lot(9)], held: [lot(5)], after: 6 }, [1]],
    ["finds nothing in a lot that grew, whatever made it", { before: [lot(3)], held: [lot(2)], after: 9 }, []],
    ["adds up lots of a cell that are split", { before: [lot(3), lot(4)], held: [lot(7)], after: 7 }, []],
    [
      "finds nothing in sums that are not exact",
      { before: [lot(MAX_AMOUNT), lot(9)], held: [], after: MAX_AMOUNT },
      [],
    ],
  ])("%s", (_, seen, found) => {
    expect(lookAt(seen)).toEqual({ lots: 1, found });
  });

  it.each<[string, Partial<LookEnd>, Partial<HeldLot>]>([
    ["has ended", { now: NOW + 60_000 }, {}],
    ["may have grown", { horizon: NOW + 60_000 }, {}],
    ["is of a window before the one that is open", {}, { place: DAY - 1 }],
    ["is of a window that is over", { now: NEXT_DAY }, { end: NEXT_DAY * 5 }],
    ["has slid out", {}, { field: "tm", window: "minute", place: Math.floor(NOW / 6_000) - 11 }],
  ])("leaves a lot out that %s", (_, end, words) => {
    const wide = { ...END, horizon: NEXT_DAY * 2, ...end };
    expect(lookAt({ before: [lot(7, words)], after: 7 }, wide)).toEqual({ lots: 0, found: [] });
  });

  it("takes the last reading of a cell that a walk came by twice", () => {
    const sums = new DriftSums({ seed: 1 });
    sums.sawCell([lot(9)]);
    sums.sawCell([lot(7)]);
    sums.sawRecord("a", [lot(8)]);
    expect(sums.differences(new Map(), END).found).toEqual(new Map([[LOT, -1]]));
  });

  it("counts a record once that a walk came by twice, where lots are in doubt", () => {
    const sums = new DriftSums({ seed: 1, only: new Set([LOT]) });
    sums.sawCell([lot(9), lot(1, { field: "th" })]);
    for (const secret of ["a", "b", "a"]) sums.sawRecord(secret, [lot(4, { field: "th" }), lot(4)]);
    expect(sums.size).toBe(1);
    expect(sums.differences(new Map([[LOT, 9]]), END).found).toEqual(new Map([[LOT, 1]]));
  });

  it("adds nothing once there are too many records to know whether one came twice; it still takes", () => {
    const options = { only: new Set([LOT]), mostNamed: 2 };
    expect(lookAt({ held: [lot(1), lot(1)] }, END, options).found).toEqual([-2]);
    expect(lookAt({ held: [lot(1), lot(1), lot(1)] }, END, options).found).toEqual([]);
    expect(lookAt({ before: [lot(5)], held: [lot(1), lot(1), lot(1)], after: 5 }, END, options).found).toEqual([2]);
  });

  it("takes whole counters only where there are too many lots, and others another time", () => {
    const namesBy = (seed: number) => {
      const sums = new DriftSums({ seed, most: 100 });
      const lots = Array.from({ length: 1_000 }, (_, nth) => lot(5, { principal: `p${nth}` }));
      for (const one of lots) sums.sawCell([one]);
      for (const [nth, one] of lots.entries()) sums.sawRecord(String(nth), [{ ...one, amount: 6 }]);
      const { found, lots: compared } = sums.differences(new Map(), END);
      expect(compared).toBe(found.size);
      expect(new Set(found.values())).toEqual(new Set([-1]));
      return [...found.keys()];
    };
    const [one, other] = [namesBy(1), namesBy(2)];
    for (const names of [one, other]) {
      expect(names.length).toBeGreaterThan(20);
      expect(names.length).toBeLessThanOrEqual(100);
    }
    expect(other).not.toEqual(one);
  });
});
