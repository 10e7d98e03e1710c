import type { Refusal } from "../domain/plan.js";

/** A caller whom a rule of the policy keeps out, whatever it asks for. */
export interface Refused {
  readonly kind: "refused";
  readonly refusal: Refusal;
  /** Who it is, where it proved that much: what it reserved before, it may still settle. */
  readonly principal?: string;
}

/** Say that a caller is kept out. */
export function refused(reason: Refusal["reason"], message: string, principal?: string): Refused {
  return { kind: "refused", refusal: { reason, message }, ...(principal !== undefined && { principal }) };
}
