import type { AlertPosts } from "./metrics-source.js";

type Outcome = AlertPosts["outcome"];
const OUTCOMES: readonly Outcome[] = ["sent", "failed"];

/** Counts posts of alerts by whom they were for: names in the policy, so there are few. */
export class AlertCounts {
  readonly #byTarget = new Map<string, Record<Outcome, number>>();

  add(target: string, outcome: Outcome): void {
    const counts = this.#byTarget.get(target) ?? { sent: 0, failed: 0 };
    counts[outcome] += 1;
    this.#byTarget.set(target, counts);
  }

  /** Since the start, each target with both outcomes once it has one. */
  *read(): Iterable<AlertPosts> {
    for (const [target, counts] of this.#byTarget) {
      for (const outcome of OUTCOMES) yield { target, outcome, count: counts[outcome] };
    }
  }
}
