import { expect } from "vitest";
import type { Policy } from "../../../src/domain/policy.js";
import { formatFault } from "../../../src/policy/faults.js";
import { loadPolicy } from "../../../src/policy/load-policy.js";

/** The lines that a policy file's faults come to, under the file name `p`; none where it is sound. */
export function faultLines(content: string | Uint8Array): readonly string[] {
  const loaded = loadPolicy(bytesOf(content), "p");
  return loaded.kind === "faulty" ? loaded.faults.map(formatFault) : [];
}

/** The policy that a sound file comes to; a file at fault fails the test with its faults. */
export function policyOf(content: string): Policy {
  const loaded = loadPolicy(bytesOf(content), "p");
  expect(loaded.kind === "faulty" ? loaded.faults.map(formatFault) : []).toEqual([]);
  if (loaded.kind === "faulty") throw new Error("the policy is at fault");
  return loaded.policy;
}

/** The lines of a sound file's warnings. */
export function warningLines(content: string): readonly string[] {
  const loaded = loadPolicy(bytesOf(content), "p");
  if (loaded.kind === "faulty") throw new Error(loaded.faults.map(formatFault).join("\n"));
  return loaded.warnings.map(formatFault);
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}
