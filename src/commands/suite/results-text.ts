import { printable } from "../../domain/printable.js";
import { heldTable, outputText } from "../explanation.js";
import { type Column, formatCount, formatTable, plural } from "../table.js";
import { type CaseResult, countsOf, type SuiteResult, type SuiteRun } from "./results.js";
import type { CaseFailure } from "./run-case.js";

/** Write what became of suites for a person: failures with what was expected and got, and the counts. */
export function resultsText(results: readonly SuiteResult[]): string {
  const runs = results.filter((result) => result.kind === "run");
  const total = runs.length > 1 ? `${plural(runs.length, "suite")}: ${countsText(countsOf(runs))}\n` : "";
  return `${runs.map(runText).join("")}${total}`;
}

function runText(run: SuiteRun): string {
  const failed = run.cases.filter(({ failure }) => failure);
  const under = `policy ${run.revision}${run.policy === undefined ? "" : ` of ${run.policy}`}`;
  const summary = printable(`${run.file}: ${countsText(countsOf([run]))} (${under})`);
  return `${failed.map((one) => `${caseText(run, one)}\n`).join("")}${summary}\n`;
}

function countsText({ passed, failed }: ReturnType<typeof countsOf>): string {
  return failed === 0
    ? `${formatCount(passed)} passed`
    : `${formatCount(failed)} failed, ${formatCount(passed)} passed`;
}

function caseText({ file }: SuiteRun, { name, place, failure }: CaseResult): string {
  const heading = printable(`failed: ${file}:${place.line}:${place.column}: ${name}`);
  return `${heading}\n${failure ? failureText(failure) : ""}`;
}

const COLUMNS: readonly Column[] = [
  { title: "FIELD", align: "left" },
  { title: "EXPECTED", align: "left" },
  { title: "GOT", align: "left" },
];

/** Write why a case failed: field by field, then how full its limits were and what would have passed. Indented. */
export function failureText(failure: CaseFailure): string {
  const { differences, message, held, largestOutput, passing } = failure;
  const rows = differences.map(({ field, expected, got }) => [field, expected, got]);
  return indented(
    [
      placeText(failure),
      formatTable(COLUMNS, rows),
      message === undefined ? "" : `\n${printable(message)}\n`,
      held.length > 0 ? `\n${heldTable(held)}` : "",
      largestOutput === undefined ? "" : `\n${outputText(largestOutput)}\n`,
      passing.length > 0 ? `\nmodels that would pass, cheapest first: ${listed(passing)}\n` : "",
    ].join(""),
  );
}

const MOST_LISTED = 6;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return printable(names.slice(0, MOST_LISTED).join(", ")) + (more > 0 ? ` and ${more} more` : "");
}

function placeText({ step, what, time }: CaseFailure): string {
  if (step === undefined) return "";
  return `in step ${step} (${what}${time === undefined ? "" : `, time ${time}`})\n`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
