import fc from "fast-check";

/** Where to cut bytes, as shares of their length. */
export const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

/** Cut bytes at places: offsets, or, where below 1, shares of the length. Each chunk is a copy of its own. */
export function cutAt(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const offsets = places.map((place) => (place < 1 ? Math.floor(place * bytes.length) : Math.min(place, bytes.length)));
  const sorted = [0, ...offsets.sort((one, other) => one - other), bytes.length];
  return sorted.slice(1).map((to, index) => Buffer.from(bytes.subarray(sorted[index], to)));
}
