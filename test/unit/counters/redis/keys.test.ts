import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Keys } from "../../../../src/counters/redis/keys.js";
import { likeNames, reservationNames } from "./names.js";

const keys = new Keys("acme");
const NAMES = { workspace: "dev", principal: "ann", requestId: "r-1" };

function matches(pattern: string, key: string): boolean {
  return pattern.endsWith("*") && key.startsWith(pattern.slice(0, -1));
}

describe("the keys of an organization", () => {
  it("are named as they are stored: replicas of every version must find the same", () => {
    expect([keys.shared, keys.own("ann"), keys.record(NAMES, "r-1"), keys.once("r-1")]).toEqual([
      "wb1:{acme}:s",
      "wb1:{acme}:p:ann",
      "wb1:{acme}:r:dev ann r-1",
      "wb1:{acme}:u:r-1",
    ]);
  });

  it("carry its hash tag and no other, whatever callers are called", () => {
    const property = fc.property(reservationNames, (names) => {
      const all = [
        keys.shared,
        keys.own(names.principal),
        keys.record(names, names.requestId),
        keys.once(names.requestId),
        keys.probe(7),
        keys.lease,
        keys.rotations,
        keys.rotating(names.workspace),
      ];
      expect(new Set(all).size).toBe(all.length);
      for (const key of all) expect(/\{([^}]*)\}/.exec(key)?.[1]).toBe("acme");
      expect(all.filter((key) => matches(keys.owns, key))).toEqual([keys.own(names.principal)]);
      expect(all.filter((key) => matches(keys.records, key))).toEqual([keys.record(names, names.requestId)]);
    });
    fc.assert(property, { seed: 1 });
  });

  it("say whose they are", () => {
    const property = fc.property(reservationNames, (names) => {
      expect(keys.principalOf(keys.own(names.principal))).toBe(names.principal);
      expect(keys.recordNameOf(keys.record(names, names.requestId))).toEqual(names);
    });
    fc.assert(property, { seed: 1 });
  });

  it("are never shared by two reservations", () => {
    const property = fc.property(likeNames, likeNames, (one, other) => {
      const isSame = keys.record(one, one.requestId) === keys.record(other, other.requestId);
      expect(isSame).toBe(JSON.stringify(one) === JSON.stringify(other));
    });
    fc.assert(property, { seed: 1, numRuns: 2_000 });
  });

  it("are never those of another organization", () => {
    const other = new Keys("acme-2");
    expect([other.shared, other.own("ann"), other.record(NAMES, "r-1")]).not.toContain(keys.shared);
    expect(matches(keys.owns, other.own("ann")) || matches(keys.records, other.record(NAMES, "r-1"))).toBe(false);
  });
});
