import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Slab } from "../../../../src/counters/memory/slab.js";
import { addSum, addToSum, clearSum, readSum, SUM_BYTES } from "../../../../src/counters/memory/sums.js";

const MOST = Number.MAX_SAFE_INTEGER;

function sumOf(amounts: readonly number[]) {
  const slab = new Slab(4 + SUM_BYTES);
  const place = { slab, slot: slab.take(), field: 4 };
  for (const amount of amounts) addToSum(slab, place.slot, 4, amount);
  return place;
}

const shown = ({ slab, slot, field }: ReturnType<typeof sumOf>) => readSum(slab, slot, field);

describe("a sum", () => {
  it.each([
    [[1, 2, 3], 6],
    [[MOST], MOST],
    [[MOST, 1], MOST],
    [[MOST, 1, -1], MOST],
    [[MOST, 1, -2], MOST - 1],
    [[MOST, MOST, MOST, -MOST, -MOST, -MOST], 0],
    [[MOST, MOST, 5, -MOST, -MOST], 5],
    [[5, MOST, -6, -MOST], 0],
    [[3, -5], 0],
    [[3, -5, 4], 4],
  ])("of %j reads as %d", (amounts, expected) => {
    expect(shown(sumOf(amounts))).toBe(expected);
  });

  it("is exact however far it goes beyond 2^53-1 and back", () => {
    const amount = fc.oneof(
      fc.nat({ max: 9 }),
      fc.maxSafeNat(),
      fc.nat({ max: 9 }).map((less) => MOST - less),
    );
    const changes = fc.array(fc.record({ amount, back: fc.boolean() }), { maxLength: 40 });
    const property = fc.property(changes, (all) => {
      const place = sumOf([]);
      const held: number[] = [];
      for (const { amount, back } of all) {
        const returned = back ? held.splice(amount % Math.max(1, held.length), 1)[0] : undefined;
        if (returned === undefined) held.push(amount);
        addToSum(place.slab, place.slot, place.field, returned === undefined ? amount : -returned);
        const exact = held.reduce((sum, part) => sum + BigInt(part), 0n);
        expect(BigInt(shown(place))).toBe(exact > BigInt(MOST) ? BigInt(MOST) : exact);
      }
    });
    fc.assert(property, { numRuns: 200, seed: 1 });
  });

  it("is added to another with all that it has passed 2^53-1 by", () => {
    const to = sumOf([MOST, 7]);
    addSum(to, sumOf([MOST, MOST, 4]));
    for (const part of [MOST, MOST]) addToSum(to.slab, to.slot, to.field, -part);
    expect(shown(to)).toBe(MOST);
    addToSum(to.slab, to.slot, to.field, -MOST);
    expect(shown(to)).toBe(11);
  });

  it("is nothing once cleared, and leaves its neighbours alone", () => {
    const place = sumOf([MOST, MOST]);
    place.slab.setU32(place.slot, 0, 77);
    clearSum(place.slab, place.slot, place.field);
    expect([shown(place), place.slab.u32(place.slot, 0)]).toEqual([0, 77]);
    addToSum(place.slab, place.slot, place.field, 2);
    expect(shown(place)).toBe(2);
  });
});
