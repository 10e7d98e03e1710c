import { createHash } from "node:crypto";
import type { Policy } from "../domain/policy.js";
import { checkPolicy } from "./check-policy.js";
import { checkSuite } from "./check-suite.js";
import { compilePolicy } from "./compile.js";
import type { Fault, Path, Problem } from "./faults.js";
import { problemsOf } from "./issues.js";
import { inFileOrder } from "./map-order.js";
import { suggester } from "./nearest.js";
import { openYaml } from "./open-yaml.js";
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
  const yaml = openYaml(bytes, file);
  if (yaml.kind === "faulty") return yaml;
  const { data, oddities, offsetOf, faultsOf } = yaml;
  const suggest = suggester();
  const parsed = suiteSchema.safeParse(data);
  const problems = [
    ...problemsOf(parsed.error?.issues ?? [], suggest),
    ...inPolicy(checkPolicy(at(data, "policy"), suggest)),
    ...checkSuite(data, suggest),
  ];
  if (!parsed.success || problems.length + oddities.length > 0) {
    return { kind: "faulty", faults: faultsOf(problems, oddities) };
  }
  return {
    kind: "ok",
    suite: parsed.data,
    inline: inlinePolicy(parsed.data, bytes, (path) => offsetOf(["policy", ...path], "key")),
    placeOf: (path) => yaml.placeOf(offsetOf(path, "value")),
    faultsOf,
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
