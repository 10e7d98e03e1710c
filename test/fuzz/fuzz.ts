import { setImmediate as nextTurn } from "node:timers/promises";
import type { Coverage } from "./coverage.js";
import { mutate } from "./mutate.js";
import { Random } from "./random.js";
import { type Target, tryInput } from "./target.js";

export interface FuzzOptions {
  readonly seed: number;
  /** What to begin with. */
  readonly inputs: readonly Buffer[];
  /** Asked before each batch with how many inputs were tried. */
  readonly isOver: (tried: number) => boolean;
  /** Inputs that reach new code are built upon; left out: only those that it began with. */
  readonly coverage?: Coverage;
  /** Told each input before it is tried. */
  readonly trying?: (input: Buffer) => void;
}

/** What came of it. */
export interface Fuzzed {
  readonly tried: number;
  readonly pool: readonly Buffer[];
  /** The input that broke the law, made smaller, and how. */
  readonly found?: { readonly input: Buffer; readonly cause: unknown };
}

const BATCH = 64;
const MOST_BYTES = 4_096;
/** A pool that grows for ever would be tried too little each. */
const MOST_POOL = 1_500;

/** Try inputs that are made of others, until it is over or one breaks the law. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<Fuzzed> {
  const { coverage, isOver, trying } = options;
  const { words, mostBytes = MOST_BYTES } = target;
  const random = new Random(options.seed);
  const pool = options.inputs.length > 0 ? [...options.inputs] : [Buffer.alloc(0)];
  let tried = 0;
  let batch: readonly Buffer[] = pool.slice();
  coverage?.grew();
  coverage?.takeNew();
  while (tried === 0 || !isOver(tried)) {
    for (const input of batch) {
      trying?.(input);
      const cause = await causeOf(target, input);
      tried++;
      if (cause !== undefined) return { tried, pool, found: await smaller(target, input, cause, trying) };
    }
    if (coverage?.grew() && pool.length < MOST_POOL) pool.push(...(await thatReachMore(target, batch, coverage)));
    await nextTurn();
    batch = Array.from({ length: BATCH }, () => mutate(random, { pool, words, mostBytes }));
  }
  return { tried, pool };
}

/** One by one: of a batch that reached new code, the inputs that did are not known. */
async function thatReachMore(target: Target, batch: readonly Buffer[], coverage: Coverage): Promise<Buffer[]> {
  const fresh = coverage.takeNew();
  const found: Buffer[] = [];
  for (const input of batch) {
    if (fresh.size === 0) break;
    await causeOf(target, input);
    if (coverage.hits(fresh)) found.push(input);
  }
  return found;
}

/** How an input breaks the law; undefined: it does not. */
async function causeOf(target: Target, input: Buffer): Promise<unknown> {
  try {
    await tryInput(target, input);
    return undefined;
  } catch (cause) {
    return cause ?? new Error("nothing was thrown, as a value");
  }
}

/** Cut pieces out of an input as long as it breaks the law in the same way. */
async function smaller(target: Target, whole: Buffer, first: unknown, trying?: (input: Buffer) => void) {
  let input = whole;
  let cause = first;
  const until = performance.now() + 3_000;
  for (let size = Math.ceil(input.length / 2); size > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < input.length && performance.now() < until; ) {
      const without = Buffer.concat([input.subarray(0, at), input.subarray(at + size)]);
      trying?.(without);
      const next = await causeOf(target, without);
      if (next !== undefined && wordOf(next) === wordOf(cause)) [input, cause] = [without, next];
      else at += size;
    }
  }
  return { input, cause };
}

function wordOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name} ${cause.stack?.split("\n    at ")[1]}` : typeof cause;
}
