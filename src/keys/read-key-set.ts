import type { KeyOfSet, KeySet } from "../app/identity-ports.js";

/** A key set, or why there is none, as the end of a sentence that begins with where it lies. */
export type KeySetRead =
  | { readonly kind: "good"; readonly value: KeySet }
  | { readonly kind: "bad"; readonly why: string };

/** More would be no issuer's: some have a dozen. */
const MOST_KEYS = 100;
/** Far above what a hundred keys take. */
export const MOST_KEY_SET_BYTES = 256 * 1024;

/** Read a JSON Web Key Set. Symmetric keys are left out: what lies where anybody can read it proves nothing. */
export function readKeySet(text: string): KeySetRead {
  const raw = parsed(text);
  if (typeof raw !== "object" || raw === null || !("keys" in raw) || !Array.isArray(raw.keys)) {
    return { kind: "bad", why: "holds no JSON Web Key Set: { keys: […] }" };
  }
  const keys = raw.keys.filter(isKey).filter(({ kty }) => kty !== "oct");
  if (keys.length === 0) return { kind: "bad", why: "holds no public key" };
  if (keys.length > MOST_KEYS) return { kind: "bad", why: `holds more than ${MOST_KEYS} keys` };
  return { kind: "good", value: { keys } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isKey(value: unknown): value is KeyOfSet {
  return typeof value === "object" && value !== null && "kty" in value && typeof value.kty === "string";
}
