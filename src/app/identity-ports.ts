import type { Policy } from "../domain/policy.js";
import type { EpochMs } from "../domain/units.js";
import type { Fault } from "./fault.js";
import type { PrincipalName } from "./forms.js";
import type { MaybePromise } from "./ports.js";
import type { Refused } from "./refused.js";

/** Says who a caller is, whatever its message claims. */
export interface Identity {
  /**
   * Turn what a message names into the name to decide by.
   *
   * @param evidence what the door gathered besides; an identity that proves nothing does not look at it.
   * @returns refused where a credential is sound and the policy makes nothing of it; a fault where the message claims to
   *   be someone whom the caller is not.
   */
  whoIs(policy: Policy, named: PrincipalName, evidence?: Evidence): PrincipalName | Refused | Fault;
}

/** Told of each API key that proves a caller, in each call: takes next to no time, and must not throw. */
export type ApiKeyUsed = (id: string, sha256: string) => void;

/** What a door gathered of who a caller is. Every part is proved, but for the key, which is still to be known. */
export interface Evidence {
  /** From a client certificate that was verified. */
  readonly spiffeId?: string;
  /** Of a token that was verified, its lifetime included. */
  readonly claims?: Claims;
  /** Of the other tokens, where several were verified; their order says nothing. */
  readonly otherClaims?: readonly Claims[];
  /** When the token of `claims` proves nothing any more; left out: not before whoever reads this is done. */
  readonly expiresAt?: EpochMs;
  /** A `wb_` key as it was sent: a secret, never to be kept or shown. */
  readonly apiKey?: string;
  /** The operator's own word, by the route that a call came by; parts may be empty. */
  readonly named?: PrincipalName;
}

/** The payload of a token. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a call shows of who makes it, as its door found it. Holds secrets: never to be kept or shown. */
export interface Shown {
  /** The values of its `authorization`. */
  readonly authorization: readonly string[];
  /** The URIs in the client certificate that its connection has proved. */
  readonly peerUris: readonly string[];
}

/** Verifies what calls show. */
export interface Prover {
  /**
   * Turn what a call shows into evidence.
   *
   * @returns at once what is known already; `unauthenticated` for what proves nothing, `unavailable` for a token that
   *   cannot be judged now.
   */
  prove(shown: Shown): MaybePromise<Evidence | Fault>;
}

/** The public keys at one place, that tokens are verified by. */
export interface TokenKeys {
  /** As they were read last; undefined: never yet. The same object until they change. */
  held(): KeySet | undefined;

  /** Read them again, unless that was tried a moment ago. Resolves to whether the last try succeeded. Never rejects. */
  renew(): Promise<boolean>;

  /** When `renew` may find what is not held by then, at the earliest: for ever away where all changes are seen anyway. */
  restsUntil(): EpochMs;
}

/** A JSON Web Key Set (RFC 7517) of public keys. */
export interface KeySet {
  readonly keys: readonly KeyOfSet[];
}

export interface KeyOfSet {
  readonly kty: string;
  readonly [member: string]: unknown;
}
