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

/** What contents are judged by, and what is known of them. */
export interface Judging {
  readonly file: string;
  readonly load: Load;
  /** The digest of what is in force. */
  readonly inForce?: string | undefined;
  /** What was refused last. */
  readonly refused?: Refused | undefined;
}

/** Load what was read, unless it is what is in force or what was refused last. Rejects where `load` does. */
export async function judge(
  found: SteadyRead,
  { file, load, inForce, refused }: Judging,
): Promise<Sound | Refused | { readonly kind: "in_force" }> {
  if (found.kind === "unreadable") return { kind: "refused", about: found.fault, faults: [found.fault] };

  const digest = createHash("sha256").update(found.bytes).digest("hex");
  if (digest === inForce) return { kind: "in_force" };
  if (digest === refused?.about) return refused;

  const result = await load(found.bytes, file);
  if (result.kind === "faulty") return { kind: "refused", about: digest, faults: result.faults };
  return { kind: "sound", policy: result.policy, warnings: result.warnings, digest, stamp: found.stamp };
}
