import type { EpochMs } from "../../domain/units.js";
import { hasTurned, type ReplayOutcome } from "./outcome.js";
import { NOT_COMPARED } from "./replay.js";
import type { Cause, Sum, Turn } from "./tally.js";

/** Take what a replay came to as JSON: every row, money in nano-USD as text. */
export function outcomeValue({ policy, logs, read, facts, tally }: ReplayOutcome): object {
  return {
    policy: policy.file,
    policy_revision: policy.revision,
    logs,
    from: instant(facts.from),
    to: instant(facts.to),
    policy_revisions_of_log: [...facts.revisions],
    turns: hasTurned({ facts, tally }),
    decisions: facts.decisions,
    blocked: {
      ...sumValue(tally.blocked),
      estimated_calls: tally.estimated.calls,
      estimated_cost_nano_usd: String(tally.estimated.cost),
    },
    admitted: sumValue(tally.admitted),
    allowed_both_times: {
      calls: facts.sameAllowed,
      cost_nano_usd: String(facts.spent.was),
      new_cost_nano_usd: String(facts.spent.now),
      cut_short: facts.shortened,
    },
    denied_both_times: { calls: facts.sameDenied, otherwise: facts.deniedOtherwise },
    dry_runs: facts.dryRuns,
    not_compared: Object.fromEntries(NOT_COMPARED.map((why) => [why, facts.notCompared.get(why) ?? 0])),
    by_cause: tally
      .causes()
      .map(({ kind, cause, ...sum }) => ({ would_be: kind, ...causeValue(cause), ...sumValue(sum) })),
    by_principal: tally.principals().map(({ caller, blocked, admitted }) => ({
      ...caller,
      blocked: sumValue(blocked),
      admitted: sumValue(admitted),
    })),
    in_shadow: Object.fromEntries(facts.inShadow),
    examples: tally.examples.map(exampleValue),
    share: facts.share,
    settlements_of_calls_not_in_log: { charged: facts.unreserved.charged, not_charged: facts.unreserved.notCharged },
    late_lines: read.late,
    skipped_lines: read.skipped,
    first_skipped: read.firstSkipped,
  };
}

function exampleValue({ kind, at, caller, model, requestId, cause, message, cost }: Turn): object {
  return {
    would_be: kind,
    time: instant(at),
    ...caller,
    model,
    request_id: requestId,
    ...causeValue(cause),
    message,
    cost_nano_usd: cost === undefined ? null : String(cost),
  };
}

function causeValue({ limit, reason }: Cause): object {
  return { limit: limit ?? null, reason };
}

function sumValue({ calls, cost }: Sum): object {
  return { calls, cost_nano_usd: String(cost) };
}

function instant(at: EpochMs | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
