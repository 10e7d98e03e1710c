import { writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { globMatches } from "../domain/glob.js";
import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import { formatFault } from "../policy/faults.js";
import { didYouMean, suggester } from "../policy/nearest.js";
import { type ReadSuite, readSuite } from "../policy/read-suite.js";
import { type Context, EXIT, type Failure, fail, failure, isGiven, textOf } from "./context.js";
import { loadPolicyFile, readWritten } from "./policy-file.js";
import { type PreparedCase, prepareSuite } from "./suite/prepare.js";
import { type CaseResult, countsOf, type FaultySuite, type SuiteResult } from "./suite/results.js";
import { resultsJunit } from "./suite/results-junit.js";
import { resultsText } from "./suite/results-text.js";
import { resultsValue } from "./suite/results-value.js";
import { runCase } from "./suite/run-case.js";

/**
 * Run suites of cases, each on counters of its own and in a time of its own.
 *
 * @returns 1 where a case failed; 2 where a suite or its policy is at fault, though the others were run.
 */
export async function testPolicy({ io, flags, args }: Context): Promise<number> {
  const suites: ReadyToRun[] = [];
  for (const file of args) suites.push(await open(file));
  const wanted = wantedOf(suites, textOf(flags, "run"));
  if ("exitCode" in wanted) return fail(io, wanted);

  const results: SuiteResult[] = [];
  for (const suite of suites) results.push(suite.kind === "faulty" ? suite : await run(suite, wanted.isWanted));
  for (const result of results) {
    if (result.kind === "faulty") for (const line of result.lines) io.stderr.write(`${line}\n`);
  }
  if (isGiven(flags, "json")) io.stdout.write(`${JSON.stringify(resultsValue(results), undefined, 2)}\n`);
  else io.stdout.write(resultsText(results));

  const unwritten = await writeJunit(textOf(flags, "junit"), results);
  if (unwritten) return fail(io, unwritten);
  if (results.some(({ kind }) => kind === "faulty")) return EXIT.usage;
  return countsOf(results).failed > 0 ? EXIT.no : EXIT.done;
}

interface OpenSuite {
  readonly kind: "open";
  readonly file: string;
  readonly policyFile: string | undefined;
  readonly policy: Policy;
  readonly cases: readonly PreparedCase[];
  readonly placeOf: ReadSuite["placeOf"];
}

type ReadyToRun = OpenSuite | FaultySuite;

/** Read a suite and the policy that it names, and find everything that is wrong with them. */
async function open(file: string): Promise<ReadyToRun> {
  const faulty = (lines: readonly string[]): FaultySuite => ({ kind: "faulty", file, lines });
  const bytes = await readWritten(file);
  if ("kind" in bytes) return faulty([printable(bytes.line)]);
  const read = readSuite(bytes, file);
  if (read.kind === "faulty") return faulty(read.faults.map(formatFault));

  const { suite, inline } = read;
  const policyFile = typeof suite.policy === "string" ? beside(file, suite.policy) : undefined;
  const loaded = inline ? { kind: "ok" as const, policy: inline } : await loadPolicyFile(policyFile ?? "");
  if (loaded.kind === "failure") {
    const place = read.placeOf(["policy"]);
    return faulty([printable(`${file}:${place.line}:${place.column}: policy: ${loaded.line}`)]);
  }
  if (loaded.kind === "faulty") return faulty(loaded.faults.map(formatFault));

  const { policy } = loaded;
  const { cases, problems } = prepareSuite(suite, policy);
  if (problems.length > 0) return faulty(read.faultsOf(problems).map(formatFault));
  return { kind: "open", file, policyFile, policy, cases, placeOf: read.placeOf };
}

function beside(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

async function run(suite: OpenSuite, isWanted: (name: string) => boolean): Promise<SuiteResult> {
  const { file, policy, policyFile, placeOf } = suite;
  const cases: CaseResult[] = [];
  for (const one of suite.cases.filter(({ name }) => isWanted(name))) {
    const begun = performance.now();
    const failed = await runCase(policy, one);
    cases.push({ name: one.name, place: placeOf(one.path), tookMs: performance.now() - begun, failure: failed });
  }
  return { kind: "run", file, policy: policyFile, revision: policy.revision, cases };
}

/** Which cases are run: none at all would prove nothing, so a pattern must fit one. */
function wantedOf(
  suites: readonly ReadyToRun[],
  pattern: string,
): { readonly isWanted: (name: string) => boolean } | Failure {
  const isWanted = (name: string) => globMatches(`*${pattern.toLowerCase()}*`, name.toLowerCase());
  const names = suites.flatMap((suite) => (suite.kind === "open" ? suite.cases.map(({ name }) => name) : []));
  if (names.length === 0 || names.some(isWanted)) return { isWanted };
  const remedy = didYouMean(suggester()(pattern, names), "write a part of a case's name");
  return failure(EXIT.usage, `--run ${pattern}: no case has a name that holds this; ${remedy}`);
}

async function writeJunit(file: string, results: readonly SuiteResult[]): Promise<Failure | undefined> {
  if (file === "") return undefined;
  try {
    await writeFile(file, resultsJunit(results));
    return undefined;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return failure(
      EXIT.usage,
      `--junit ${file}: cannot be written (${error.code}); name a file that this process may write`,
    );
  }
}
