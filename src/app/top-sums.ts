import { setImmediate } from "node:timers/promises";
import type { Amounts } from "../domain/charges.js";
import { MAX_AMOUNT } from "../domain/units.js";

/** What some requests came to. Sums above 2^53-1 are told as that. */
export interface Sums extends Amounts {
  readonly requests: number;
}

/** Who they were of. */
export interface Named extends Sums {
  readonly name: string;
}

export interface Told {
  /** Who spent most first. */
  readonly named: readonly Named[];
  /** What those come to who are not named, and how many they are. */
  readonly others: Sums & { readonly count: number };
  readonly all: Sums;
}

const NOTHING: Sums = { requests: 0, inputTokens: 0, outputTokens: 0, cost: 0 };
/** So many are looked at before other calls are let through. */
const AT_ONCE = 5_000;

/** Sums by name, of which those with the most are told. */
export class TopSums {
  readonly #sums = new Map<string, Sums>();

  add(name: string, more: Sums): void {
    this.#sums.set(name, plus(this.#sums.get(name) ?? NOTHING, more));
  }

  /** Tell at most `count` by name, by money, then tokens, then requests. Lets other calls through meanwhile. */
  async top(count: number): Promise<Told> {
    let best: Named[] = [];
    let others = { ...NOTHING, count: 0 };
    let all = NOTHING;
    const cut = () => {
      const sorted = best.toSorted(byUse);
      best = sorted.slice(0, count);
      const rest = sorted.slice(count);
      others = { ...rest.reduce<Sums>(plus, others), count: others.count + rest.length };
    };
    for (const [name, sums] of this.#sums) {
      // Given back, or still open.
      if (sums.requests === 0) continue;
      all = plus(all, sums);
      best.push({ name, ...sums });
      if (best.length < count + AT_ONCE) continue;
      cut();
      await setImmediate();
    }
    cut();
    return { named: best, others, all };
  }
}

function plus(left: Sums, right: Sums): Sums {
  const sum = (one: number, other: number) => Math.min(one + other, MAX_AMOUNT);
  return {
    requests: sum(left.requests, right.requests),
    inputTokens: sum(left.inputTokens, right.inputTokens),
    outputTokens: sum(left.outputTokens, right.outputTokens),
    cost: sum(left.cost, right.cost),
  };
}

function byUse(left: Named, right: Named): number {
  return (
    right.cost - left.cost ||
    tokensOf(right) - tokensOf(left) ||
    right.requests - left.requests ||
    (left.name < right.name ? -1 : 1)
  );
}

function tokensOf({ inputTokens, outputTokens }: Sums): number {
  return inputTokens + outputTokens;
}
