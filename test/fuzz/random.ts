import { crc32 } from "node:zlib";
import { seededRandom24 } from "../support/seeded-random.js";

/** Chance that is the same each time, from a seed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom24(seed);
  }

  /** A whole number from 0 to below a bound of at most 2^24. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.#next() % bound;
  }

  /** One of several. */
  pick<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    if (found === undefined) throw new RangeError("nothing to pick from");
    return found;
  }
}

/** Chance that is the same for the same input, for what a law tries besides. */
export function randomFor(input: Buffer): Random {
  return new Random(crc32(input));
}

/** Cut an input into chunks, in a way that is the same each time. Each is a copy of its own. */
export function chunksOf(input: Buffer): readonly Buffer[] {
  const random = randomFor(input);
  const longest = random.pick([1, 2, 7, 64, 1024]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const end = Math.min(input.length, at + 1 + random.below(longest));
    chunks.push(Buffer.from(input.subarray(at, end)));
    at = end;
  }
  return chunks;
}
