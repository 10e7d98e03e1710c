import type { CaseFailure } from "./run-case.js";

/** What became of one suite. */
export type SuiteResult = SuiteRun | FaultySuite;

export interface SuiteRun {
  readonly kind: "run";
  readonly file: string;
  /** The policy's path; undefined: it stands in the suite. */
  readonly policy: string | undefined;
  readonly revision: string;
  readonly cases: readonly CaseResult[];
}

/** It, or its policy, cannot be read: nothing was run. */
export interface FaultySuite {
  readonly kind: "faulty";
  readonly file: string;
  /** Everything that is wrong, one line each. */
  readonly lines: readonly string[];
}

export interface CaseResult {
  readonly name: string;
  /** Where the case stands in its file, both from 1. */
  readonly place: { readonly line: number; readonly column: number };
  readonly tookMs: number;
  /** undefined: it passed. */
  readonly failure: CaseFailure | undefined;
}

/** How many cases of some suites passed and failed. */
export function countsOf(results: readonly SuiteResult[]): { readonly passed: number; readonly failed: number } {
  const cases = results.flatMap((result) => (result.kind === "run" ? result.cases : []));
  const failed = cases.filter(({ failure }) => failure).length;
  return { passed: cases.length - failed, failed };
}
