import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Seldom } from "../../../src/telemetry/seldom.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function seldom() {
  const lines: string[] = [];
  return { lines, told: new Seldom({ what: "knocks", write: (line) => lines.push(line), quietMs: 1_000 }) };
}

describe("what strangers cause", () => {
  it("is told at once the first time, and then counted in one line", () => {
    const { lines, told } = seldom();
    for (const line of ["a", "b", "c", "d"]) told.tell(line);
    expect(lines).toEqual(["a"]);
    vi.advanceTimersByTime(1_000);
    expect(lines).toEqual(["a", "3 more knocks; the last: d"]);
  });

  it("is told at once again after a quiet while, and not before", () => {
    const { lines, told } = seldom();
    told.tell("a");
    told.tell("b");
    vi.advanceTimersByTime(1_000);
    told.tell("c");
    expect(lines).toEqual(["a", "1 more knocks; the last: b"]);
    vi.advanceTimersByTime(2_000);
    expect(lines).toEqual(["a", "1 more knocks; the last: b", "1 more knocks; the last: c"]);
    told.tell("d");
    expect(lines.at(-1)).toBe("d");
  });

  it("makes no more lines than one a while, however much there is", () => {
    const { lines, told } = seldom();
    for (let ms = 0; ms < 10_000; ms += 1) {
      told.tell("x");
      vi.advanceTimersByTime(1);
    }
    expect(lines).toHaveLength(11);
  });

  it("is not forgotten at the end", () => {
    const { lines, told } = seldom();
    told.tell("a");
    told.tell("b");
    told.close();
    expect(lines).toEqual(["a", "1 more knocks; the last: b"]);
    vi.advanceTimersByTime(5_000);
    expect(lines).toHaveLength(2);
  });
});
