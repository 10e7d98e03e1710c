import { describe, expect, it } from "vitest";
import { departuresOf, lotsOf, readCell } from "../../../../src/counters/redis/cell.js";
import type { Window } from "../../../../src/domain/limit.js";
import { MAX_AMOUNT } from "../../../../src/domain/units.js";
import { Calendar } from "../../../../src/domain/window.js";
import { instant } from "../../../support/fake-clock.js";
import { cellOf, slidingCellOf } from "./bytes.js";

const NOW = instant("2026-03-10T12:00:00Z");
const WINDOWS = new Calendar("UTC").at(NOW);
const TODAY = WINDOWS.day.label;
const STEP = NOW / 100;

function read(cell: Buffer | null, window: Window, now = NOW, seen = now) {
  return readCell(cell, window, { windows: WINDOWS, now, seen });
}

function sums(cell: Buffer | null, window: Window, now = NOW, seen = now) {
  const { used, reserved, staying } = read(cell, window, now, seen);
  return { used, reserved, staying };
}

describe("a cell that is not there", () => {
  it.each(["second", "minute", "hour", "day", "week", "month", "in_flight"] as const)(
    "holds nothing in a window of %s",
    (window) => {
      expect(read(null, window)).toEqual({ used: 0, reserved: 0, staying: 0, lots: [] });
    },
  );
});

describe("a cell of a calendar window", () => {
  it.each(["hour", "day", "week", "month"] as const)("counts while its %s is open", (window) => {
    expect(sums(cellOf(WINDOWS[window].label, 7), window)).toEqual({ used: 7, reserved: 0, staying: 7 });
    expect(sums(cellOf(WINDOWS[window].label - 1, 7), window)).toEqual({ used: 0, reserved: 0, staying: 0 });
  });

  it("holds what is reserved until the instant of its end, and then as that end says", () => {
    const ends = NOW + 0.5;
    const cell = cellOf(TODAY, 100, { amount: 7, ends }, { amount: 3, ends, givesBack: true });
    expect([NOW, NOW + 0.4, NOW + 0.5, NOW + 1].map((now) => sums(cell, "day", now))).toEqual([
      { used: 100, reserved: 10, staying: 100 },
      { used: 100, reserved: 10, staying: 100 },
      { used: 107, reserved: 0, staying: 107 },
      { used: 107, reserved: 0, staying: 107 },
    ]);
  });

  it("goes by what had ended when the store was heard, not by what has ended since", () => {
    const cell = cellOf(
      TODAY,
      100,
      { amount: 7, ends: NOW - 10 },
      { amount: 5, ends: NOW - 10, givesBack: true },
      { amount: 3, ends: NOW - 5 },
    );
    expect(sums(cell, "day", NOW, NOW - 7)).toEqual({ used: 107, reserved: 3, staying: 107 });
    expect(sums(cell, "day", NOW, NOW - 5)).toEqual({ used: 110, reserved: 0, staying: 110 });
  });

  it("lists what is reserved, and nothing that has ended", () => {
    const cell = cellOf(TODAY, 1, { amount: 7, ends: NOW }, { amount: 5, ends: NOW + 1, givesBack: true });
    expect(read(cell, "day").lots).toEqual([{ step: 0, ends: NOW + 1, givesBack: true, amount: 5 }]);
  });

  it("says no more than 2^53-1, however much it holds", () => {
    const lots = [NOW + 1, NOW + 2].map((ends) => ({ amount: MAX_AMOUNT, ends }));
    const overdue = [NOW - 1, NOW - 2].map((ends) => ({ amount: MAX_AMOUNT, ends }));
    expect(sums(cellOf(TODAY, MAX_AMOUNT, ...lots, ...overdue), "day")).toEqual({
      used: MAX_AMOUNT,
      reserved: MAX_AMOUNT,
      staying: MAX_AMOUNT,
    });
  });
});

describe("a cell of what is in flight", () => {
  it("counts open reservations as reserved, and none that has ended", () => {
    const open = { amount: 2, ends: NOW + 1, givesBack: true };
    const cell = cellOf(0, 0, open, { amount: 3, ends: NOW, givesBack: true });
    expect(read(cell, "in_flight")).toEqual({ used: 0, reserved: 2, staying: 0, lots: [{ step: 0, ...open }] });
  });
});

describe("a cell of a sliding window", () => {
  it.each([
    ["second", 100],
    ["minute", 6_000],
  ] as const)("counts what was used until its step has left the %s, to the millisecond", (window, stepMs) => {
    const step = Math.floor(NOW / stepMs);
    const leaves = (step + 11) * stepMs;
    const cell = slidingCellOf({ amount: 7, step });
    expect([NOW, leaves - 1, leaves, leaves + 1].map((now) => sums(cell, window, now).used)).toEqual([7, 7, 0, 0]);
  });

  it("adds its lots up and does not go by its sums", () => {
    const cell = slidingCellOf(
      { amount: 1, step: STEP },
      { amount: 2, step: STEP - 10 },
      { amount: 4, step: STEP - 11 },
      { amount: 8, step: STEP, ends: NOW + 1 },
      { amount: 16, step: STEP, ends: NOW, givesBack: true },
      { amount: 32, step: STEP, ends: NOW },
      { amount: 64, step: STEP - 11, ends: NOW + 1 },
    );
    expect(sums(cell, "second")).toEqual({ used: 1 + 2 + 32, reserved: 8, staying: 0 });
  });

  it("lists all that still counts, what was charged at its end as used", () => {
    const cell = slidingCellOf(
      { amount: 1, step: STEP },
      { amount: 2, step: STEP, ends: NOW },
      { amount: 3, step: STEP - 1, ends: NOW + 1, givesBack: true },
    );
    expect(read(cell, "second").lots).toEqual([
      { step: STEP, ends: undefined, givesBack: false, amount: 1 },
      { step: STEP, ends: undefined, givesBack: false, amount: 2 },
      { step: STEP - 1, ends: NOW + 1, givesBack: true, amount: 3 },
    ]);
  });
});

describe("lots as they are stored", () => {
  it("are read with their ends in half milliseconds", () => {
    const lots = [
      { step: 0, ends: undefined, givesBack: false, amount: 1 },
      { step: 0, ends: NOW + 0.5, givesBack: true, amount: MAX_AMOUNT },
      { step: 0, ends: NOW + 1, givesBack: false, amount: 0 },
    ];
    const words = lots.map(({ ends, ...lot }) => (ends === undefined ? lot : { ...lot, ends }));
    expect([...lotsOf(cellOf(TODAY, 5, ...words), false)]).toEqual(lots);
    expect([...lotsOf(slidingCellOf(...words.map((lot) => ({ ...lot, step: STEP }))), true)]).toEqual(
      lots.map((lot) => ({ ...lot, step: STEP })),
    );
    expect([...lotsOf(cellOf(TODAY, 5), false), ...lotsOf(slidingCellOf(), true)]).toEqual([]);
  });
});

describe("departures", () => {
  const lot = { step: STEP, ends: NOW + 300, givesBack: true, amount: 7 };

  it("are at the end of what is given back, and of a charge when its window turns", () => {
    const turnsAt = WINDOWS.day.end;
    const charge = { ...lot, step: 0, givesBack: false };
    expect(departuresOf([{ ...lot, step: 0 }, charge], "day", turnsAt)).toEqual([
      { at: NOW + 300, amount: 7 },
      { at: turnsAt, amount: 7 },
    ]);
    expect(departuresOf([{ ...lot, ends: turnsAt + 5 }], "day", turnsAt)).toEqual([{ at: turnsAt, amount: 7 }]);
  });

  it("are when a step leaves a sliding window, if nothing is given back before", () => {
    const used = { ...lot, ends: undefined, givesBack: false };
    const charge = { ...lot, givesBack: false };
    const late = { ...lot, ends: NOW + 5_000 };
    expect(departuresOf([lot, used, charge, late], "second", undefined).map(({ at }) => at - NOW)).toEqual([
      300, 1_100, 1_100, 1_100,
    ]);
  });

  it("of what is in flight are at its end", () => {
    expect(departuresOf([{ ...lot, step: 0 }], "in_flight", undefined)).toEqual([{ at: NOW + 300, amount: 7 }]);
  });
});
