import { describe, expect, it } from "vitest";
import { StringIndex } from "../../../../src/counters/memory/string-index.js";

describe("StringIndex", () => {
  it("finds what was set, and 0 for what was not", () => {
    const index = new StringIndex();
    index.set("ann", 1);
    index.set("bob", 2);
    index.set("ann", 3);
    expect([index.get("ann"), index.get("bob"), index.get("an"), index.get("")]).toEqual([3, 2, 0, 0]);
    expect(index.size).toBe(2);
  });

  it("forgets what is deleted, and nothing else", () => {
    const index = new StringIndex();
    index.set("ann", 1);
    index.set("bob", 2);
    index.delete("ann");
    index.delete("nobody");
    expect([index.get("ann"), index.get("bob"), index.size]).toEqual([0, 2, 1]);
  });

  it("takes any text for a key", () => {
    const index = new StringIndex();
    const keys = ["", "a", "ab", "é", "\u{1f600}", "__proto__", "constructor", "x".repeat(600)];
    for (const [at, key] of keys.entries()) index.set(key, at + 1);
    expect(keys.map((key) => index.get(key))).toEqual(keys.map((_, at) => at + 1));
  });

  it("keeps thousands of keys that differ in one place only", () => {
    const index = new StringIndex();
    const keys = Array.from({ length: 5_000 }, (_, at) => [
      `role requests_per_day dev developer ${at}`,
      `${at} at the front`,
    ]).flat();
    for (const [at, key] of keys.entries()) index.set(key, at + 1);
    expect(keys.every((key, at) => index.get(key) === at + 1)).toBe(true);
    for (const key of keys.slice(0, 5_000)) index.delete(key);
    expect(index.size).toBe(5_000);
  });
});
