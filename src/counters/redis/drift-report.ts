import type { Away } from "../../app/ports.js";
import type { Metric } from "../../domain/limit.js";
import { counterIn, type Lot, limitOf } from "./drift-lots.js";

/** What a look for drift came to. */
export interface DriftReport {
  readonly kind: "checked";
  /** Open reservations of all replicas, about. */
  readonly open: number;
  /** Lots whose cells were compared with the records. */
  readonly compared: number;
  /** Lots that differed and were changed. */
  readonly differed: number;
  /** By how much all in all, in each metric's unit, nano-USD for `usd`. */
  readonly repaired: readonly Repaired[];
  /** A few of the limits whose counters differed. */
  readonly limits: readonly string[];
}

export interface Repaired {
  readonly metric: Metric;
  /** Was reserved, and by nobody. */
  readonly taken: number;
  /** Was held by open reservations, and not reserved. */
  readonly added: number;
}

/** `elsewhere`: another replica looks, or looked when this one's lease ran out. */
export type DriftResult = DriftReport | { readonly kind: "elsewhere" } | Away;

const MOST_LIMITS = 5;

/** Sums up what was repaired in one run. */
export class DriftTally {
  readonly #lots = new Set<string>();
  readonly #repaired = new Map<Metric, { metric: Metric; taken: number; added: number }>();
  readonly #limits = new Set<string>();

  /** A lot was changed by so much. */
  add(name: string, lot: Lot, by: number): void {
    const { metric } = counterIn(lot.field);
    const sums = this.#repaired.get(metric) ?? { metric, taken: 0, added: 0 };
    if (by > 0) sums.added += by;
    else sums.taken -= by;
    this.#repaired.set(metric, sums);
    this.#lots.add(name);
    if (this.#limits.size < MOST_LIMITS) this.#limits.add(limitOf(lot));
  }

  report(open: number, compared: number): DriftReport {
    return {
      kind: "checked",
      open,
      compared,
      differed: this.#lots.size,
      repaired: [...this.#repaired.values()],
      limits: [...this.#limits],
    };
  }
}

/** Say in a line what was repaired; undefined: nothing. */
export function describeDrift({ differed, repaired, limits }: DriftReport): string | undefined {
  if (differed === 0) return undefined;
  const changes = repaired.flatMap(({ metric, taken, added }) => [
    ...(taken > 0 ? [`took away ${taken} ${UNIT[metric]} that no open reservation holds`] : []),
    ...(added > 0 ? [`added ${added} ${UNIT[metric]} that open reservations hold`] : []),
  ]);
  const shown = `${limits.join(", ")}${limits.length === MOST_LIMITS ? " and maybe others" : ""}`;
  const lots = differed === 1 ? "1 amount" : `${differed} amounts`;
  return `counters in Redis differed from the open reservations in ${lots}, of ${shown}: ${changes.join(", ")}`;
}

const UNIT: Readonly<Record<Metric, string>> = {
  requests: "requests",
  tokens: "tokens",
  input_tokens: "input tokens",
  output_tokens: "output tokens",
  usd: "nano-USD",
  concurrent_requests: "requests in flight",
};
