import type { Policy } from "../domain/policy.js";
import { compilePolicy } from "./compile.js";
import type { Fault } from "./faults.js";
import { readPolicy } from "./read.js";

/** What the bytes of a policy file come to, with faults and warnings as data. */
export type LoadedPolicy =
  | { readonly kind: "ok"; readonly policy: Policy; readonly warnings: readonly Fault[] }
  | { readonly kind: "faulty"; readonly faults: readonly Fault[] };

/** Read and compile a policy file in one go, on this thread. Never throws, whatever the bytes. */
export function loadPolicy(bytes: Uint8Array, file: string): LoadedPolicy {
  const read = readPolicy(bytes, file);
  if (read.kind === "faulty") return read;
  return { kind: "ok", policy: compilePolicy(read.file, read.revision), warnings: read.warnings };
}
