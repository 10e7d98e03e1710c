import { createHash } from "node:crypto";
import type { Policy } from "../domain/policy.js";
import { checkPolicy } from "./check-policy.js";
import { checkSuite } from "./check-suite.js";
import { compilePolicy } from "./compile.js";
import { composeYaml } from "./compose-yaml.js";
import { decodeText } from "./decode.js";
import { type Fault, faultsOf, lineFinder, type Path, type Problem, type Spot } from "./faults.js";
import { problemsOf } from "./issues.js";
import { locator } from "./locate.js";
import { inFileOrder } from "./map-order.js";
import { suggester } from "./nearest.js";
import { plainData } from "./plain-data.js";
import { at } from "./raw.js";
import { type SuiteFile, suiteSchema } from "./suite-schema.js";

/** What the bytes of a suite say, or everything wrong with them. */
export type SuiteRead = ReadSuite | { readonly kind: "faulty"; readonly faults: readonly Fault[] };

export interface ReadSuite {
  readonly kind: "ok";
  readonly suite: SuiteFile;
  /** The policy that stands in the suite; undefined: `suite.policy` is a path. */
  readonly inline: Policy | undefined;
  /** The place of what stands at a path, both from 1. */
  readonly placeOf: (path: Path) => { readonly line: number; readonly column: number };
  /** Bring what was found wrong later into the order of the file. */
  readonly faultsOf: (problems: readonly Problem[]) => readonly Fault[];
}

/**
 * Read a suite of cases for a policy, and check it against itself; and the policy, where it stands in the suite.
 *
 * All faults are told at once, in the order of the file. Never throws, whatever the bytes.
 *
 * @param file what the faults call the file; it is not opened.
 */
export function readSuite(bytes: Uint8Array, file: string): SuiteRead {
  const { text, spots } = decodeText(bytes);
  const faulty = (found: readonly Spot[]): SuiteRead => ({ kind: "faulty", faults: faultsOf(found, text, file) });
  if (spots.length > 0) return faulty(spots);
  const composed = composeYaml(text);
  if (!composed.root) return faulty(composed.spots);

  const { data, targets, spots: oddities } = plainData(composed.root, text);
  const offsetOf = locator(composed.root, targets);
  const placed = (problem: Problem): Spot => ({ ...problem, offset: offsetOf(problem.path, problem.at) });
  const suggest = suggester();
  const parsed = suiteSchema.safeParse(data);
  const problems = [
    ...problemsOf(parsed.error?.issues ?? [], suggest),
    ...inPolicy(checkPolicy(at(data, "policy"), suggest)),
    ...checkSuite(data, suggest),
  ];
  if (!parsed.success || problems.length + oddities.length > 0) return faulty([...oddities, ...problems.map(placed)]);

  const place = lineFinder(text);
  return {
    kind: "ok",
    suite: parsed.data,
    inline: inlinePolicy(parsed.data, bytes, (path) => offsetOf(["policy", ...path], "key")),
    placeOf: (path) => place(offsetOf(path, "value")),
    faultsOf: (found) => faultsOf(found.map(placed), text, file),
  };
}

const REVISION_DIGITS = 16;

function inlinePolicy({ policy }: SuiteFile, bytes: Uint8Array, offsetOf: (path: Path) => number): Policy | undefined {
  if (typeof policy === "string") return undefined;
  const revision = createHash("sha256").update(bytes).digest("hex").slice(0, REVISION_DIGITS);
  return compilePolicy({ ...policy, trust: inFileOrder(policy.trust, offsetOf) }, revision);
}

function inPolicy(problems: readonly Problem[]): readonly Problem[] {
  return problems.map((problem) => ({ ...problem, path: ["policy", ...problem.path] }));
}
