import { createHash } from "node:crypto";
import { checkPolicy } from "./check-policy.js";
import type { Fault, Path } from "./faults.js";
import { problemsOf } from "./issues.js";
import { inFileOrder } from "./map-order.js";
import { suggester } from "./nearest.js";
import { openYaml } from "./open-yaml.js";
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
  const yaml = openYaml(bytes, file);
  if (yaml.kind === "faulty") return yaml;
  const { data, oddities, offsetOf, faultsOf } = yaml;
  const suggest = suggester();
  const parsed = policySchema.safeParse(data);
  const problems = [...problemsOf(parsed.error?.issues ?? [], suggest), ...checkPolicy(data, suggest)];
  if (!parsed.success || problems.length + oddities.length > 0) {
    return { kind: "faulty", faults: faultsOf(problems, oddities) };
  }

  const keyOffset = (path: Path) => offsetOf(path, "key");
  return {
    kind: "ok",
    file: { ...parsed.data, trust: inFileOrder(parsed.data.trust, keyOffset) },
    revision: createHash("sha256").update(bytes).digest("hex").slice(0, REVISION_DIGITS),
    warnings: faultsOf(policyWarnings(parsed.data)),
  };
}
