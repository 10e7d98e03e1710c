import { describe, expect, it } from "vitest";
import { reached, writeWindows } from "../../../../src/counters/redis/open-windows.js";
import { Calendar } from "../../../../src/domain/window.js";
import { instant } from "../../../support/fake-clock.js";
import { stateOf } from "./bytes.js";

function windowsAt(text: string, timezone = "UTC") {
  return new Calendar(timezone).at(instant(text));
}

const NOON = windowsAt("2026-03-10T12:00:00Z");

describe("windows as scripts are told them", () => {
  it("are when the first ends, then labels, then ends, little-endian", () => {
    const written = writeWindows(NOON);
    expect(written.length).toBe(46);
    expect(written.readUIntLE(0, 6)).toBe(instant("2026-03-10T13:00:00Z"));
    expect([6, 10, 14, 18].map((at) => written.readUInt32LE(at))).toEqual([
      instant("2026-03-10T12:00:00Z") / 60_000,
      instant("2026-03-10T00:00:00Z") / 86_400_000,
      instant("2026-03-09T00:00:00Z") / 86_400_000,
      2026 * 12 + 3,
    ]);
    expect([22, 28, 34, 40].map((at) => written.readUIntLE(at, 6))).toEqual(
      ["2026-03-10T13:00:00Z", "2026-03-11T00:00:00Z", "2026-03-16T00:00:00Z", "2026-04-01T00:00:00Z"].map(instant),
    );
  });

  it("are written once for each opening, and anew when they turn", () => {
    expect(writeWindows(NOON)).toBe(writeWindows(NOON));
    expect(writeWindows(windowsAt("2026-03-10T13:00:00Z")).equals(writeWindows(NOON))).toBe(false);
  });
});

describe("the windows that are open", () => {
  it("are the proposed ones where nothing is counted yet", () => {
    expect(reached(NOON, null)).toEqual(NOON);
  });

  it("are the proposed ones where nobody was further, with their own ends", () => {
    expect(reached(NOON, stateOf(windowsAt("2026-02-28T09:00:00Z")))).toEqual(NOON);
    const otherEnds = { ...NOON, day: { ...NOON.day, end: NOON.day.end + 3_600_000 } };
    expect(reached(NOON, stateOf(otherEnds))).toEqual(NOON);
  });

  it("never go back behind what some replica has reached, each window by itself", () => {
    const april = windowsAt("2026-04-01T00:30:00Z");
    expect(reached(NOON, stateOf(april))).toEqual({ ...april, until: NOON.until });
    const ahead = { ...NOON, month: april.month };
    expect(reached(NOON, stateOf(ahead))).toEqual({ ...NOON, month: april.month });
  });
});
