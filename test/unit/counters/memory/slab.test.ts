import { describe, expect, it } from "vitest";
import { Slab } from "../../../../src/counters/memory/slab.js";

describe("Slab", () => {
  it("gives slots from 1 on, each a record of its own", () => {
    const slab = new Slab(16);
    const [one, two] = [slab.take(), slab.take()];
    expect([one, two]).toEqual([1, 2]);
    slab.setF64(one, 0, 1.5);
    slab.setU32(one, 8, 7);
    slab.setU32(one, 12, 8);
    slab.setF64(two, 0, -2);
    expect([slab.f64(one, 0), slab.u32(one, 8), slab.u32(one, 12), slab.f64(two, 0), slab.u32(two, 8)]).toEqual([
      1.5, 7, 8, -2, 0,
    ]);
  });

  it("holds whole numbers up to 2^53-1, 32 bits unsigned, and infinity", () => {
    const slab = new Slab(16);
    const slot = slab.take();
    slab.setF64(slot, 0, Number.MAX_SAFE_INTEGER);
    slab.setU32(slot, 8, 0xffff_ffff);
    expect([slab.f64(slot, 0), slab.u32(slot, 8)]).toEqual([Number.MAX_SAFE_INTEGER, 0xffff_ffff]);
    slab.setF64(slot, 0, Number.POSITIVE_INFINITY);
    expect(slab.f64(slot, 0)).toBe(Number.POSITIVE_INFINITY);
  });

  it("takes again first what was given back, the last one first, and clears it", () => {
    const slab = new Slab(12);
    const slots = Array.from({ length: 5 }, () => slab.take());
    for (const slot of slots) for (const field of [0, 4, 8]) slab.setU32(slot, field, 99);
    for (const slot of [2, 5, 3]) slab.give(slot);
    const again = [slab.take(), slab.take(), slab.take(), slab.take()];
    expect(again).toEqual([3, 5, 2, 6]);
    expect(again.flatMap((slot) => [0, 4, 8].map((field) => slab.u32(slot, field)))).toEqual(Array(12).fill(0));
    expect([1, 4].map((slot) => slab.u32(slot, 8))).toEqual([99, 99]);
  });

  it("counts what is taken, and remembers the highest slot", () => {
    const slab = new Slab(8);
    for (let i = 0; i < 3; i++) slab.take();
    slab.give(3);
    slab.give(1);
    expect([slab.size, slab.high]).toEqual([1, 3]);
    slab.take();
    expect([slab.size, slab.high]).toEqual([2, 3]);
  });

  it("keeps records apart over the edges of its chunks", () => {
    const slab = new Slab(20);
    const count = 3 * 4096 + 1;
    for (let i = 1; i <= count; i++) {
      const slot = slab.take();
      slab.setF64(slot, 0, slot);
      slab.setF64(slot, 8, -slot);
      slab.setU32(slot, 16, slot * 3);
    }
    for (const slot of [1, 4095, 4096, 4097, 8192, 8193, count]) {
      expect([slab.f64(slot, 0), slab.f64(slot, 8), slab.u32(slot, 16)]).toEqual([slot, -slot, slot * 3]);
    }
    expect([slab.size, slab.high]).toEqual([count, count]);
  });

  it("does not read what was never taken", () => {
    const slab = new Slab(8);
    expect(() => slab.f64(1, 0)).toThrow(RangeError);
    slab.take();
    expect(() => slab.u32(4097, 0)).toThrow("slot 4097 was never taken");
  });
});
