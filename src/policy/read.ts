import { createHash } from "node:crypto";
import { checkPolicy } from "./check-policy.js";
import { composeYaml } from "./compose-yaml.js";
import { decodeText } from "./decode.js";
import { type Fault, faultsOf, type Path, type Problem, type Spot } from "./faults.js";
import { problemsOf } from "./issues.js";
import { locator } from "./locate.js";
import { inFileOrder } from "./map-order.js";
import { suggester } from "./nearest.js";
import { plainData } from "./plain-data.js";
import { type PolicyFile, policySchema } from "./schema.js";
import { policyWarnings } from "./warnings.js";

/** What the bytes of a policy file say: plain data that may be posted to another thread, or everything wrong with them. */
export type ReadResult =
  | {
      readonly kind: "ok";
      readonly file: PolicyFile;
      readonly revision: string;
      readonly warnings: readonly Fault[];
    }
  | { readonly kind: "faulty"; readonly faults: readonly Fault[] };

const REVISION_DIGITS = 16;

/**
 * Read a policy file and check it against itself and the catalogue.
 *
 * All faults are told at once, in the order of the file; where the YAML itself is broken, those of the YAML only. Never
 * throws, whatever the bytes.
 *
 * @param file what the faults call the file; it is not opened.
 */
export function readPolicy(bytes: Uint8Array, file: string): ReadResult {
  const { text, spots } = decodeText(bytes);
  const faulty = (found: readonly Spot[]): ReadResult => ({ kind: "faulty", faults: faultsOf(found, text, file) });
  if (spots.length > 0) return faulty(spots);

  const composed = composeYaml(text);
  if (!composed.root) return faulty(composed.spots);

  const { data, targets, spots: oddities } = plainData(composed.root, text);
  const offsetOf = locator(composed.root, targets);
  const placed = (problem: Problem): Spot => ({ ...problem, offset: offsetOf(problem.path, problem.at) });
  const suggest = suggester();
  const parsed = policySchema.safeParse(data);
  const problems = [...problemsOf(parsed.error?.issues ?? [], suggest), ...checkPolicy(data, suggest)];
  if (!parsed.success || problems.length + oddities.length > 0) return faulty([...oddities, ...problems.map(placed)]);

  const keyOffset = (path: Path) => offsetOf(path, "key");
  const warnings = policyWarnings(parsed.data).map(placed);
  return {
    kind: "ok",
    file: { ...parsed.data, trust: inFileOrder(parsed.data.trust, keyOffset) },
    revision: createHash("sha256").update(bytes).digest("hex").slice(0, REVISION_DIGITS),
    warnings: faultsOf(warnings, text, file),
  };
}
