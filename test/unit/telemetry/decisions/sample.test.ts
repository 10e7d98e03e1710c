import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampler } from "../../../../src/telemetry/decisions/sample.js";

describe("a sample of ids", () => {
  it.each([0.01, 0.1, 0.5])("holds about the share %s of ids that differ in a few characters", (share) => {
    const isIn = sampler(share);
    const ids = Array.from({ length: 50_000 }, (_, index) => `AAAAAB-neVWiC__pMNTweY${index}`);
    const held = ids.filter(isIn).length / ids.length;
    expect(held).toBeGreaterThan(share * 0.85);
    expect(held).toBeLessThan(share * 1.15);
  });

  it("is the same for every replica, and is in every larger one", () => {
    const [small, again, large] = [sampler(0.2), sampler(0.2), sampler(0.7)];
    fc.assert(
      fc.property(fc.string(), (id) => {
        expect(again(id)).toBe(small(id));
        if (small(id)) expect(large(id)).toBe(true);
      }),
    );
  });

  it("is all at 1, and nothing at 0", () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `id-${index}`);
    expect(ids.filter(sampler(1))).toEqual(ids);
    expect(ids.filter(sampler(0))).toEqual([]);
  });
});
