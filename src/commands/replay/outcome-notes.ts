import { formatCount, plural } from "../table.js";
import { aboutUsd } from "./about-usd.js";
import type { ReplayOutcome } from "./outcome.js";
import type { NotCompared } from "./replay.js";

const WHY_NOT: Readonly<Record<NotCompared, string>> = {
  unauthenticated: "of callers that proved nothing: no policy changes that",
  store_unavailable: "denied because the store was away: no policy changes that",
  at_the_door: "refused at Envoy's door before the policy was asked",
  repeats: "that came again with the same request_id, and have the answer of the first",
};

/** Write what the numbers of a replay do not hold, and what they rest on. */
export function outcomeNotes(outcome: ReplayOutcome): string {
  const notes = [...counterNotes(outcome), ...costNotes(outcome), ...comparedNotes(outcome), ...readNotes(outcome)];
  return `${notes.map((note) => `* ${note}\n`).join("")}`;
}

function counterNotes({ facts }: ReplayOutcome): readonly string[] {
  const start = "counters begin with nothing at the log's first line: what was used before it is in no window";
  if (facts.share === 1) return [start];
  const sampled = `the log is a sample (${facts.share} of the allowed decisions): counters miss the others, so limits would refuse more than is said here, and nothing is scaled up`;
  return [start, sampled];
}

function costNotes({ facts, tally }: ReplayOutcome): readonly string[] {
  const { estimated, admitted } = tally;
  const { charged, notCharged } = facts.unreserved;
  return [
    ...(estimated.calls > 0
      ? [
          `of what is saved, ${aboutUsd(estimated.cost)} is what ${plural(estimated.calls, "call")} had reserved: the log does not say what they used`,
        ]
      : []),
    ...(admitted.calls > 0
      ? ["what would be added is the most that those calls may use; retries count as calls of their own"]
      : []),
    ...(facts.shortened > 0
      ? [
          `${plural(facts.shortened, "call")} used more output than the new policy would let them have: they would be cut short`,
        ]
      : []),
    ...(charged > 0 ? [`${plural(charged, "settlement")} of calls that are not in the log: charged as they came`] : []),
    ...(notCharged > 0
      ? [`${plural(notCharged, "settlement")} of calls that are not in the log could not be charged by the new policy`]
      : []),
  ];
}

function comparedNotes({ facts }: ReplayOutcome): readonly string[] {
  const { decisions, turned } = facts.dryRuns;
  return [
    ...(decisions > 0
      ? [`${plural(decisions, "dry run")} decided apart, ${formatCount(turned)} of them otherwise than then`]
      : []),
    ...[...facts.notCompared].map(([why, count]) => `not compared: ${plural(count, "decision")} ${WHY_NOT[why]}`),
  ];
}

function readNotes({ read }: ReplayOutcome): readonly string[] {
  return [
    ...(read.skipped > 0 ? [`${plural(read.skipped, "line")} that could not be read: skipped`] : []),
    ...(read.late > 0
      ? [`${plural(read.late, "line")} out of order by more than can be put right: taken as they came`]
      : []),
  ];
}
