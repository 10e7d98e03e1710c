import { randomFillSync } from "node:crypto";
import type { Random24 } from "./ids.js";

const POOL = 1024;
const LOW_24_BITS = 0xffffff;

/** Give unguessable numbers from the system's generator, asked for many at a time. */
export function secureRandom24(): Random24 {
  const pool = new Uint32Array(POOL);
  let next = POOL;
  return () => {
    if (next === POOL) {
      randomFillSync(pool);
      next = 0;
    }
    return (pool[next++] ?? 0) & LOW_24_BITS;
  };
}
