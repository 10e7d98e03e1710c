import type { Claims } from "../app/identity-ports.js";
import type { FromClaim, TokenCredential, TokenSource } from "../domain/trust.js";

/** Whether a value is what a token may hold: a map. */
export function isClaims(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a token is of an issuer and for an audience, both to the letter. */
export function isOf(claims: Claims, { issuer, audience }: TokenSource): boolean {
  return claims["iss"] === issuer && textsOf(claims, "aud").includes(audience);
}

/** Whether a token holds all that a credential asks for; a claim that is a list holds each of its entries. */
export function isAskedFor(claims: Claims, credential: TokenCredential): boolean {
  if (!isOf(claims, credential)) return false;
  for (const [claim, value] of credential.claims) if (!textsOf(claims, claim).includes(value)) return false;
  return true;
}

/** A name that was found in a token, or why none was. */
export type Taken =
  | { readonly kind: "taken"; readonly name: string }
  /** Names the claim and never its value: it may be a person's. */
  | { readonly kind: "missing"; readonly why: string };

/**
 * Take a name from a claim, through the rule's map where it has one.
 *
 * Of a list the first entry of the map counts, in the map's own order, not the token's. Without a map only a list of one
 * entry is a name.
 */
export function take({ claim, map }: FromClaim, claims: Claims): Taken {
  const held = textsOf(claims, claim);
  const [first] = held;
  if (first === undefined) return { kind: "missing", why: `the token has no text in its claim ${claim}` };
  if (map) {
    for (const [value, name] of map) if (held.includes(value)) return { kind: "taken", name };
    return { kind: "missing", why: `the map of the claim ${claim} has nothing that the token holds` };
  }
  if (held.length === 1) return { kind: "taken", name: first };
  return { kind: "missing", why: `the claim ${claim} is a list, and no map says which of its entries counts` };
}

/** What a claim holds, as the policy writes it: whole numbers, true and false as text; nothing of what is a map. */
export function textsOf(claims: Claims, claim: string): readonly string[] {
  if (!Object.hasOwn(claims, claim)) return [];
  const value = claims[claim];
  return Array.isArray(value) ? value.flatMap(textOf) : textOf(value);
}

function textOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "boolean" || Number.isSafeInteger(value) ? [String(value)] : [];
}
