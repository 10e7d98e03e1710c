import { createHash } from "node:crypto";
import type { Policy } from "../domain/policy.js";
import type { SteadyRead } from "./steady-read.js";

/** What the bytes of a policy file come to. Warnings and faults are lines for a person. */
export type LoadResult =
  | { readonly kind: "ok"; readonly policy: Policy; readonly warnings: readonly string[] }
  | { readonly kind: "faulty"; readonly faults: readonly string[] };

export type Load = (bytes: Uint8Array, file: string) => Promise<LoadResult>;

/** A policy, and the content that it came from. */
export interface Sound {
  readonly kind: "sound";
  readonly policy: Policy;
  readonly warnings: readonly string[];
  /** Of the content. */
  readonly digest: string;
  /** How the file looked when it was read. */
  readonly stamp: string;
}

export interface Refused {
  readonly kind: "refused";
  /** Names the content, or why there is none, so that each is spoken of once. */
  readonly about: string;
  readonly faults: readonly string[];
}

/** Load what was read, unless its digest is that of what is in force. Rejects where `load` does. */
export async function judge(
  found: SteadyRead,
  file: string,
  load: Load,
  inForce: string | undefined,
): Promise<Sound | Refused | { readonly kind: "in_force" }> {
  if (found.kind === "unreadable") return { kind: "refused", about: found.fault, faults: [found.fault] };

  const digest = createHash("sha256").update(found.bytes).digest("hex");
  if (digest === inForce) return { kind: "in_force" };

  const result = await load(found.bytes, file);
  if (result.kind === "faulty") return { kind: "refused", about: digest, faults: result.faults };
  return { kind: "sound", policy: result.policy, warnings: result.warnings, digest, stamp: found.stamp };
}
