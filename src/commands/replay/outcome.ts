import type { ReadFacts } from "./read-logs.js";
import type { ReplayFacts } from "./replay.js";
import type { Tally } from "./tally.js";

/** A log decided again, ready to be told. */
export interface ReplayOutcome {
  readonly policy: { readonly file: string; readonly revision: string };
  readonly logs: readonly string[];
  readonly read: ReadFacts;
  readonly facts: ReplayFacts;
  readonly tally: Tally;
}

/** Whether any decision turns, dry runs among them. */
export function hasTurned({ facts, tally }: Pick<ReplayOutcome, "facts" | "tally">): boolean {
  return tally.blocked.calls + tally.admitted.calls + facts.dryRuns.turned > 0;
}
