import fc from "fast-check";
import { expect, test } from "vitest";
import { TimeOrder } from "../../../../src/commands/replay/time-order.js";

interface Timed {
  readonly at: number;
  readonly place: number;
}

function ordered(times: readonly number[], most: number) {
  const order = new TimeOrder<Timed>(most);
  const out: Timed[] = [];
  let held = 0;
  times.forEach((at, place) => {
    held++;
    const next = order.add({ at, place });
    if (next) out.push(next);
    held -= next ? 1 : 0;
    expect(held).toBeLessThanOrEqual(most);
  });
  for (let next = order.next(); next; next = order.next()) out.push(next);
  return { out, late: order.late };
}

const isSorted = (out: readonly Timed[]) =>
  out.every(({ at, place }, index) => {
    const before = out[index - 1];
    return !before || before.at < at || (before.at === at && before.place < place);
  });

test("what fits into what is held back comes in order, and what has one time as it came", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (times) => {
      const { out, late } = ordered(times, 60);
      expect(out).toHaveLength(times.length);
      expect(isSorted(out)).toBe(true);
      expect(late).toBe(0);
    }),
  );
});

test("nothing is lost, and all that still comes out of order is counted", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 80 }), fc.integer({ min: 0, max: 10 }), (times, most) => {
      const { out, late } = ordered(times, most);
      expect(out.map(({ place }) => place).sort((one, other) => one - other)).toEqual([...times.keys()]);
      let latest = -1;
      const behind = out.filter(({ at }) => {
        const isBehind = at < latest;
        latest = Math.max(latest, at);
        return isBehind;
      });
      expect(late).toBe(behind.length);
    }),
  );
});

test("a disorder of fewer places than are held back is put right in a log of any length", () => {
  const times = Array.from({ length: 5_000 }, (_, index) => index + (index % 7) * 3);
  const { out, late } = ordered(times, 32);
  expect(isSorted(out)).toBe(true);
  expect(late).toBe(0);
});
