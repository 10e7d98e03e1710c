import type { MetricData } from "@opentelemetry/sdk-metrics";
import { DEFINITIONS } from "./definitions.js";
import { OTHER } from "./labelled-counts.js";
import { type Sample, type Span, singular } from "./points.js";

/** Counts what limits in shadow would have denied, by limit. Those of single principals are told by their keys alone. */
export class ShadowCounts {
  readonly #counts = new Map<string, number>();
  readonly #maxSeries: number;

  /** @param maxSeries how many limits are told apart; limits come and go with the policy, and a counter must not go back. */
  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries;
  }

  /** Count one decision, by each limit that would have denied it. */
  add(limits: readonly string[]): void {
    for (const limit of limits) {
      const name = boundedName(limit);
      const label = this.#counts.has(name) || this.#counts.size < this.#maxSeries ? name : OTHER;
      this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
    }
  }

  /** Everything counted so far, for an exporter. */
  metrics(span: Span): MetricData[] {
    return [singular(DEFINITIONS.shadowDenials, this.#samples(), span)];
  }

  *#samples(): Iterable<Sample> {
    for (const [limit, value] of this.#counts) yield { labels: { limit }, value };
  }
}

/** There is no bound to the number of principals; an id may hold dots, a key holds none. */
function boundedName(limit: string): string {
  return limit.startsWith("principals.") ? `principals.*${limit.slice(limit.lastIndexOf("."))}` : limit;
}
