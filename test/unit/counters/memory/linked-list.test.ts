import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { append, emptyList, join, type LinkedList, unlink } from "../../../../src/counters/memory/linked-list.js";
import { Slab } from "../../../../src/counters/memory/slab.js";

const LINKS = { before: 4, after: 8 };

/** Walks a list in both directions and holds the two against each other. */
function itemsOf(slab: Slab, list: LinkedList): number[] {
  const forward: number[] = [];
  for (let slot = list.first; slot !== 0; slot = slab.u32(slot, LINKS.after)) {
    if (forward.push(slot) > slab.size) throw new Error(`the list goes round from ${slot}`);
  }
  const backward: number[] = [];
  for (let slot = list.last; slot !== 0; slot = slab.u32(slot, LINKS.before)) {
    if (backward.push(slot) > slab.size) throw new Error(`the list goes round from ${slot}`);
  }
  expect(backward.reverse()).toEqual(forward);
  expect(list.length).toBe(forward.length);
  return forward;
}

function listOf(slab: Slab, count: number): LinkedList {
  const list = emptyList();
  for (let i = 0; i < count; i++) append(slab, LINKS, list, slab.take());
  return list;
}

describe("a linked list", () => {
  it("begins empty and grows at its end", () => {
    const slab = new Slab(12);
    expect(itemsOf(slab, emptyList())).toEqual([]);
    expect(itemsOf(slab, listOf(slab, 3))).toEqual([1, 2, 3]);
  });

  it.each([
    [1, [2, 3]],
    [2, [1, 3]],
    [3, [1, 2]],
  ])("lets record %d go", (slot, left) => {
    const slab = new Slab(12);
    const list = listOf(slab, 3);
    unlink(slab, LINKS, list, slot);
    expect(itemsOf(slab, list)).toEqual(left);
    append(slab, LINKS, list, slot);
    expect(itemsOf(slab, list)).toEqual([...left, slot]);
  });

  it("lets its only record go, and takes one again", () => {
    const slab = new Slab(12);
    const list = listOf(slab, 1);
    unlink(slab, LINKS, list, 1);
    expect(itemsOf(slab, list)).toEqual([]);
    append(slab, LINKS, list, 1);
    expect(itemsOf(slab, list)).toEqual([1]);
  });

  it.each([
    [0, 0],
    [0, 2],
    [2, 0],
    [2, 3],
  ])("of %d takes a list of %d at its end", (left, right) => {
    const slab = new Slab(12);
    const list = listOf(slab, left);
    join(slab, LINKS, list, listOf(slab, right));
    expect(itemsOf(slab, list)).toEqual(Array.from({ length: left + right }, (_, i) => i + 1));
  });

  it("is what an array would be, whatever is done to two of them", () => {
    const step = fc.record({
      what: fc.constantFrom("append", "append", "unlink", "join"),
      on: fc.nat({ max: 1 }),
      at: fc.nat(),
    });
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slab = new Slab(12);
      const lists = [emptyList(), emptyList()];
      const arrays: number[][] = [[], []];
      for (const { what, on, at } of steps) {
        const [list, array, other] = [lists[on], arrays[on], arrays[1 - on]];
        if (!list || !array || !other) throw new RangeError("there are two lists");
        if (what === "append") {
          const slot = slab.take();
          append(slab, LINKS, list, slot);
          array.push(slot);
        } else if (what === "unlink" && array.length > 0) {
          const [slot = 0] = array.splice(at % array.length, 1);
          unlink(slab, LINKS, list, slot);
          slab.give(slot);
        } else if (what === "join") {
          join(slab, LINKS, list, lists[1 - on] ?? emptyList());
          lists[1 - on] = emptyList();
          array.push(...other.splice(0));
        }
        expect(lists.map((one) => itemsOf(slab, one))).toEqual(arrays);
      }
    });
    fc.assert(property, { seed: 1 });
  });
});
