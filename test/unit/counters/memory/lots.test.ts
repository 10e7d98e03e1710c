import { describe, expect, it } from "vitest";
import { Lots } from "../../../../src/counters/memory/lots.js";

/** A chain of lots, each put before the one made before it. */
function chain(
  lots: Lots,
  ...parts: readonly (readonly [place: number, ends: number, givesBack: boolean, amount: number])[]
) {
  let head = 0;
  for (const [place, ends, givesBack, amount] of parts) {
    const lot = lots.take(place, ends, givesBack);
    lots.add(lot, amount);
    lots.setNext(lot, head);
    head = lot;
  }
  return head;
}

describe("Lots", () => {
  it("keep what they are told", () => {
    const lots = new Lots();
    const head = chain(lots, [3, 0, false, 7], [1.7e10, 1.7e12, true, 9]);
    expect([lots.place(head), lots.ends(head), lots.givesBack(head), lots.amount(head)]).toEqual([
      1.7e10,
      1.7e12,
      true,
      9,
    ]);
    const last = lots.next(head);
    expect([lots.place(last), lots.ends(last), lots.givesBack(last), lots.amount(last)]).toEqual([3, 0, false, 7]);
    expect(lots.next(last)).toBe(0);
  });

  it("are found by place, end and way of ending together", () => {
    const lots = new Lots();
    const parts = [
      [1, 0, false, 0],
      [1, 50, false, 0],
      [1, 50, true, 0],
      [2, 50, true, 0],
    ] as const;
    const head = chain(lots, ...parts);
    const found = parts.map(([place, ends, givesBack]) => lots.find(head, place, ends, givesBack));
    expect(new Set(found).size).toBe(4);
    expect(found).not.toContain(0);
    expect([lots.find(head, 2, 0, false), lots.find(head, 1, 0, true), lots.find(0, 1, 0, false)]).toEqual([0, 0, 0]);
  });

  it("begin with nothing, also where one was given back before", () => {
    const lots = new Lots();
    const lot = chain(lots, [5, 50, true, 9]);
    lots.give(lot);
    const again = lots.take(0, 0, false);
    expect(again).toBe(lot);
    expect([lots.amount(again), lots.next(again), lots.givesBack(again)]).toEqual([0, 0, false]);
  });

  it("merge and settle", () => {
    const lots = new Lots();
    const head = chain(lots, [1, 0, false, 4], [1, 50, false, 3]);
    const used = lots.next(head);
    lots.merge(used, head);
    expect([lots.amount(used), lots.amount(head)]).toEqual([7, 3]);
    lots.settle(head);
    expect([lots.ends(head), lots.amount(head)]).toEqual([0, 3]);
  });

  it("depart when their step slides out or when they are given back, and at the latest when they must", () => {
    const lots = new Lots();
    const head = chain(lots, [10, 0, false, 1], [20, 1_500, false, 2], [20, 1_500, true, 3], [10, 9_999, true, 4]);
    const times = (window: "second" | "day" | "in_flight", latest: number) =>
      lots.departures(head, window, latest).map(({ at, amount }) => [at, amount]);
    const never = Number.POSITIVE_INFINITY;
    expect(times("second", never)).toEqual([
      [2_100, 4],
      [1_500, 3],
      [3_100, 2],
      [2_100, 1],
    ]);
    expect(times("day", 5_000)).toEqual([
      [5_000, 4],
      [1_500, 3],
      [5_000, 2],
      [5_000, 1],
    ]);
    expect(times("in_flight", never)).toEqual([
      [9_999, 4],
      [1_500, 3],
      [never, 2],
      [never, 1],
    ]);
  });
});
