import type { MetricData } from "@opentelemetry/sdk-metrics";
import { DISTRUSTS, type Distrust, type Door } from "../domain/distrust.js";
import { DEFINITIONS } from "./definitions.js";
import { type Sample, type Span, singular } from "./points.js";

/** What can happen at each door. All are shown from the start: an alert on a rate must not miss the first one. */
const WHYS: Readonly<Record<Door, readonly Distrust[]>> = {
  grpc: DISTRUSTS,
  envoy: ["missing", "malformed", "wrong_key", "another", "unknown"],
  admin: ["missing", "malformed", "wrong_key"],
};
const DOORS = ["grpc", "envoy", "admin"] as const satisfies readonly Door[];

/** Counts callers that were not taken for whom they would be. */
export class StrangerCounts {
  readonly #counts = new Map<Door, Map<Distrust, number>>(
    DOORS.map((door) => [door, new Map(WHYS[door].map((why) => [why, 0]))]),
  );

  /** Count one. */
  add(door: Door, why: Distrust): void {
    const counts = this.#counts.get(door);
    counts?.set(why, (counts.get(why) ?? 0) + 1);
  }

  /** Everything counted so far, for an exporter. */
  metrics(span: Span): MetricData[] {
    return [singular(DEFINITIONS.unauthenticated, this.#samples(), span)];
  }

  *#samples(): Iterable<Sample> {
    for (const [door, counts] of this.#counts) {
      for (const [why, value] of counts) yield { labels: { door, why }, value };
    }
  }
}
