import type { EpochMs } from "./units.js";

/** A key that was seen in use. Holds no secret: neither a hash nor a fingerprint of so many random bits leads back. */
export type SeenKey =
  /** A caller's: its id, and the hash that the policy lists. */
  | { readonly kind: "caller"; readonly id: string; readonly sha256: string }
  /** One of Mistral's, as it was sent for a workspace. */
  | { readonly kind: "upstream"; readonly fingerprint: string; readonly workspace: string };

/** When a key was used last. */
export interface SeenUse {
  readonly key: SeenKey;
  readonly at: EpochMs;
}

/** A use that is older is forgotten. */
export const USES_KEPT_MS = 400 * 86_400_000;

const LETTERS = { caller: "c", upstream: "u" } as const;

/** Name a key as stores do. No part holds a space. */
export function nameOfKey(key: SeenKey): string {
  const [first, second] = key.kind === "caller" ? [key.id, key.sha256] : [key.fingerprint, key.workspace];
  return `${LETTERS[key.kind]} ${first} ${second}`;
}

/** Read such a name; undefined where it is none. */
export function keyOfName(name: string): SeenKey | undefined {
  const [letter, first = "", second = "", more] = name.split(" ");
  if (first === "" || second === "" || more !== undefined) return undefined;
  if (letter === LETTERS.caller) return { kind: "caller", id: first, sha256: second };
  if (letter === LETTERS.upstream) return { kind: "upstream", fingerprint: first, workspace: second };
  return undefined;
}
