import type { CallerName } from "../../app/ports.js";
import { printable } from "../../domain/printable.js";
import type { EpochMs } from "../../domain/units.js";
import { type Column, formatCount, formatTable, plural } from "../table.js";
import { aboutUsd } from "./about-usd.js";
import type { ReplayOutcome } from "./outcome.js";
import { outcomeNotes } from "./outcome-notes.js";
import type { CauseRow, Sum, Turn, TurnKind } from "./tally.js";

/** What a new policy does to a call: allows less, allows more. */
const SIGNS: Readonly<Record<TurnKind, string>> = { blocked: "-", admitted: "+" };

/**
 * Write what a replay came to for a person: first what the new policy would have done, then by what and to whom, then
 * examples, and what the numbers do not hold.
 *
 * @param top how many rows a table has at the most.
 */
export function outcomeText(outcome: ReplayOutcome, top: number): string {
  return [
    headline(outcome),
    summary(outcome),
    causeTable(outcome.tally.causes(), top),
    principalTable(outcome, top),
    shadowTable(outcome),
    exampleTable(outcome.tally.examples),
    outcomeNotes(outcome),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function headline({ policy, logs, facts, tally }: ReplayOutcome): string {
  const { blocked, admitted } = tally;
  const allowed = blocked.calls + facts.sameAllowed;
  const denied = admitted.calls + facts.sameDenied;
  const saved = blocked.calls > 0 ? `, which cost ${aboutUsd(blocked.cost)}` : "";
  const added = admitted.calls > 0 ? `, for up to ${aboutUsd(admitted.cost)}` : "";
  const span =
    facts.from === undefined || facts.to === undefined ? "" : ` from ${instant(facts.from)} to ${instant(facts.to)}`;
  const before = [...facts.revisions].join(", ");
  const lines = [
    `${policy.file} (${policy.revision}) would have`,
    `  blocked  ${formatCount(blocked.calls)} of ${plural(allowed, "call")} that ${allowed === 1 ? "was" : "were"} allowed${saved}`,
    `  admitted ${formatCount(admitted.calls)} of ${plural(denied, "call")} that ${denied === 1 ? "was" : "were"} denied${added}`,
    `${logs.join(", ")}: ${plural(facts.decisions, "decision")}${span}${before === "" ? "" : `, by ${before}`}`,
  ];
  return `${lines.map(printable).join("\n")}\n`;
}

function summary({ facts, tally }: ReplayOutcome): string {
  const { was, now } = facts.spent;
  const spent = was === now ? aboutUsd(was) : `${aboutUsd(was)}, now ${aboutUsd(now)}`;
  const { deniedOtherwise } = facts;
  const otherwise = deniedOtherwise > 0 ? `${formatCount(deniedOtherwise)} for another reason` : "";
  return formatTable(
    [left(""), left("DECISIONS"), right("CALLS"), left("COST")],
    [
      [SIGNS.blocked, "would be denied", formatCount(tally.blocked.calls), `${aboutUsd(tally.blocked.cost)} saved`],
      [
        SIGNS.admitted,
        "would be allowed",
        formatCount(tally.admitted.calls),
        `up to ${aboutUsd(tally.admitted.cost)} added`,
      ],
      ["", "allowed both times", formatCount(facts.sameAllowed), spent],
      ["", "denied both times", formatCount(facts.sameDenied), otherwise],
    ],
  );
}

function causeTable(rows: readonly CauseRow[], top: number): string {
  if (rows.length === 0) return "";
  const columns = [left(""), left("DENIED BY"), left("REASON"), right("CALLS"), right("COST")];
  const shown = rows
    .slice(0, top)
    .map(({ kind, cause, calls, cost }) => [
      SIGNS[kind],
      cause.limit ?? "a rule",
      cause.reason,
      formatCount(calls),
      aboutUsd(cost),
    ]);
  return formatTable(columns, [...shown, ...more(rows.length - top)]);
}

function principalTable({ tally }: ReplayOutcome, top: number): string {
  const rows = tally.principals();
  if (rows.length === 0) return "";
  const columns = [
    left("PRINCIPAL"),
    left("ROLE"),
    left("WORKSPACE"),
    right("- CALLS"),
    right("SAVED"),
    right("+ CALLS"),
    right("ADDED"),
  ];
  const sum = ({ calls, cost }: Sum) => (calls === 0 ? ["", ""] : [formatCount(calls), aboutUsd(cost)]);
  const shown = rows
    .slice(0, top)
    .map(({ caller, blocked, admitted }) => [
      caller.principal,
      caller.role,
      caller.workspace,
      ...sum(blocked),
      ...sum(admitted),
    ]);
  return formatTable(columns, [...shown, ...more(rows.length - top)]);
}

function more(count: number): readonly string[] {
  return count > 0 ? [`and ${formatCount(count)} more: see --top, or --json`] : [];
}

function shadowTable({ facts }: ReplayOutcome): string {
  if (facts.inShadow.size === 0) return "";
  const rows = [...facts.inShadow].sort(([, one], [, other]) => other - one);
  return formatTable(
    [left("IN SHADOW, WOULD HAVE DENIED"), right("CALLS")],
    rows.map(([limit, calls]) => [limit, formatCount(calls)]),
  );
}

function exampleTable(turns: readonly Turn[]): string {
  if (turns.length === 0) return "";
  const columns = [
    left(""),
    left("TIME"),
    left("PRINCIPAL"),
    left("MODEL"),
    left("REQUEST"),
    right("COST"),
    left("WHY"),
  ];
  const rows = turns.map((turn) => [
    SIGNS[turn.kind],
    instant(turn.at),
    nameOf(turn.caller),
    turn.model,
    turn.requestId,
    turn.cost === undefined ? "" : aboutUsd(turn.cost),
    turn.kind === "blocked"
      ? turn.message
      : `was ${turn.cause.reason}${turn.cause.limit ? ` by ${turn.cause.limit}` : ""}`,
  ]);
  return formatTable(columns, rows);
}

function nameOf({ principal, workspace }: CallerName): string {
  return `${principal}${workspace === "" ? "" : ` in ${workspace}`}`;
}

function instant(at: EpochMs): string {
  return new Date(at).toISOString();
}

function left(title: string): Column {
  return { title, align: "left" };
}

function right(title: string): Column {
  return { title, align: "right" };
}
