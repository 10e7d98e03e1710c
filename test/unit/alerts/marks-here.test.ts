import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { MarksHere } from "../../../src/alerts/marks-here.js";
import { FakeClock } from "../../support/fake-clock.js";

function marksIn(file: string | undefined, clock = new FakeClock("2026-11-15T12:00:00Z")) {
  const faults: Error[] = [];
  return { clock, faults, marks: new MarksHere({ clock, file, failed: (cause) => faults.push(cause) }) };
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "windbreak-alerts-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "alerts.json");
}

describe("a mark", () => {
  it("is one taker's until it ends", () => {
    const { marks, clock } = marksIn(undefined);
    expect(marks.take("a", 60_000)).toBe(true);
    expect(marks.take("a", 60_000)).toBe(false);
    expect(marks.take("b", 60_000)).toBe(true);
    clock.advance(60_000);
    expect(marks.take("a", 60_000)).toBe(true);
  });

  it("that is kept lasts as long as it is kept for", () => {
    const { marks, clock } = marksIn(undefined);
    marks.take("a", 60_000);
    expect(marks.keep("a", 3_600_000)).toBe(true);
    clock.advance(3_599_999);
    expect(marks.take("a", 60_000)).toBe(false);
    clock.advance(1);
    expect(marks.take("a", 60_000)).toBe(true);
  });

  it("that has ended cannot be kept", () => {
    const { marks, clock } = marksIn(undefined);
    marks.take("a", 60_000);
    clock.advance(60_000);
    expect(marks.keep("a", 60_000)).toBe(false);
  });

  it("outlives a restart where it was kept, and not where it was only taken", async () => {
    const file = newFile();
    const { marks } = marksIn(file);
    marks.take("told", 60_000);
    marks.keep("told", 3_600_000);
    marks.take("being told", 60_000);
    await marks.close();
    const { marks: after, faults } = marksIn(file);
    expect(after.take("told", 60_000)).toBe(false);
    expect(after.take("being told", 60_000)).toBe(true);
    expect(faults).toEqual([]);
  });

  it("that has ended leaves the file", async () => {
    const file = newFile();
    const { marks, clock } = marksIn(file);
    marks.take("a", 60_000);
    marks.keep("a", 60_000);
    clock.advance(60_000);
    marks.take("b", 60_000);
    marks.keep("b", 60_000);
    await marks.close();
    expect(Object.keys(JSON.parse(readFileSync(file, "utf8")))).toEqual(["b"]);
  });

  it.each(["{", '{"a":"b"}', "[]"])("in a file that holds %s is lost, and that is said", (content) => {
    const file = newFile();
    writeFileSync(file, content);
    const { marks, faults } = marksIn(file);
    expect(marks.take("a", 60_000)).toBe(true);
    expect(faults).toHaveLength(1);
  });

  it("that cannot be written is kept in memory, and that is said", async () => {
    const { marks, faults } = marksIn(join(newFile(), "no", "folder"));
    marks.take("a", 60_000);
    expect(marks.keep("a", 60_000)).toBe(true);
    expect(marks.take("a", 60_000)).toBe(false);
    await marks.close();
    expect(faults).toHaveLength(1);
  });
});
