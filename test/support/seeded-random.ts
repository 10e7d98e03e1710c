import type { Random24 } from "../../src/counters/memory/ids.js";

/** Give the same whole numbers below 2^24 each time, in an order that looks like chance (mulberry32). */
export function seededRandom24(seed: number): Random24 {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 8) & 0xffffff;
  };
}
