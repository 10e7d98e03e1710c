import type { KeysFile } from "../domain/keys-file.js";
import { checkKeys } from "./check-keys.js";
import { compileKeys } from "./compile-keys.js";
import type { Fault } from "./faults.js";
import { problemsOf } from "./issues.js";
import { keysSchema } from "./keys-schema.js";
import { suggester } from "./nearest.js";
import { openYaml } from "./open-yaml.js";

/** What the bytes of a keys file say, or everything wrong with them. */
export type KeysFileRead =
  | { readonly kind: "ok"; readonly keys: KeysFile }
  | { readonly kind: "faulty"; readonly faults: readonly Fault[] };

/**
 * Read a keys file, and check it against itself and the policy.
 *
 * All faults are told at once, in the order of the file; none shows a text where a secret may stand by mistake. Never
 * throws, whatever the bytes.
 *
 * @param file what the faults call the file; it is not opened.
 * @param workspaces those of the policy; left out where no policy is at hand.
 */
export function readKeys(bytes: Uint8Array, file: string, workspaces?: ReadonlySet<string>): KeysFileRead {
  const yaml = openYaml(bytes, file);
  if (yaml.kind === "faulty") return yaml;
  const { data, oddities, faultsOf } = yaml;
  const suggest = suggester();
  const parsed = keysSchema.safeParse(data);
  const problems = [...problemsOf(parsed.error?.issues ?? [], suggest), ...checkKeys(data, suggest, workspaces)];
  if (parsed.success && problems.length + oddities.length === 0) return { kind: "ok", keys: compileKeys(parsed.data) };
  return { kind: "faulty", faults: faultsOf(problems, oddities) };
}
