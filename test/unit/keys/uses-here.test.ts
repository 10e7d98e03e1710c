import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { UsesHere } from "../../../src/keys/uses-here.js";
import { FakeClock } from "../../support/fake-clock.js";

const KEY = { kind: "caller", id: "3fK9mQ2x", sha256: "ab" } as const;
const START = Date.parse("2026-11-29T12:00:00Z");

function usesIn(file: string) {
  const faults: Error[] = [];
  const clock = new FakeClock("2026-11-29T12:00:00Z");
  return { clock, faults, uses: new UsesHere({ clock, file, failed: (cause) => faults.push(cause) }) };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "windbreak-uses-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("the file of keys' uses", () => {
  it("is for its owner alone, and holds no more than names and instants", async () => {
    const folder = newFolder();
    const { uses } = usesIn(join(folder, "key-uses.json"));
    await uses.keep([{ key: KEY, at: START }]);
    const file = join(folder, "key-uses.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ since: START, uses: { "c 3fK9mQ2x ab": START } });
    expect(readdirSync(folder)).toEqual(["key-uses.json"]);
  });

  it("that is spoiled is told, and begun anew", async () => {
    const file = join(newFolder(), "key-uses.json");
    writeFileSync(file, '{"since": "yesterday"}');
    const { uses, faults } = usesIn(file);
    expect(faults).toHaveLength(1);
    await uses.keep([{ key: KEY, at: START }]);
    expect(usesIn(file).faults).toEqual([]);
  });

  it("that cannot be written is told once, and again after it could", async () => {
    const folder = newFolder();
    const { uses, faults } = usesIn(join(folder, "gone", "key-uses.json"));
    await uses.keep([{ key: KEY, at: START }]);
    await uses.keep([{ key: KEY, at: START + 1 }]);
    expect(faults).toHaveLength(1);
    expect(uses.read().uses).toEqual([{ key: KEY, at: START + 1 }]);
  });

  it("loses what is 400 days old", async () => {
    const file = join(newFolder(), "key-uses.json");
    const { uses, clock } = usesIn(file);
    await uses.keep([{ key: KEY, at: START }]);
    clock.advance(401 * 86_400_000);
    await uses.keep([{ key: { ...KEY, sha256: "cd" }, at: clock.now() }]);
    expect(Object.keys(JSON.parse(readFileSync(file, "utf8")).uses)).toEqual(["c 3fK9mQ2x cd"]);
    expect(uses.read().since).toBe(clock.now() - 400 * 86_400_000);
  });
});
