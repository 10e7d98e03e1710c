import { countsOf, type SuiteResult } from "./results.js";
import type { CaseFailure } from "./run-case.js";

/** Take what became of suites as JSON. Amounts are text, in the metric's unit: nano-USD for money. */
export function resultsValue(results: readonly SuiteResult[]): object {
  return { ...countsOf(results), suites: results.map(suiteValue) };
}

function suiteValue(result: SuiteResult): object {
  const { file } = result;
  if (result.kind === "faulty") return { file, faults: result.lines };
  return {
    file,
    policy: result.policy ?? null,
    policy_revision: result.revision,
    cases: result.cases.map(({ name, place, failure }) => ({
      name,
      ...place,
      passed: failure === undefined,
      ...(failure && { failure: failureValue(failure) }),
    })),
  };
}

function failureValue({ step, what, time, differences, message, held, largestOutput, passing }: CaseFailure): object {
  return {
    step: step ?? null,
    what,
    time: time ?? null,
    differences,
    message: message ?? null,
    limits: held.map(({ limit, of, used, reserved, needed, left, verdict }) => ({
      name: limit.name,
      scope_id: of,
      ceiling: String(limit.ceiling),
      used: String(used),
      reserved: String(reserved),
      remaining: String(left),
      needed: String(needed),
      verdict,
    })),
    largest_max_output_tokens: largestOutput === undefined ? null : String(largestOutput),
    passing_models: passing,
  };
}
