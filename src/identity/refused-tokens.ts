import { LRUCache } from "lru-cache";
import type { Fault } from "../app/fault.js";
import type { KeySet, TokenKeys } from "../app/identity-ports.js";
import type { TokenIssuer } from "../domain/trust.js";
import type { EpochMs, Millis } from "../domain/units.js";

/** What a token is judged by: its issuer, as one policy has it, and that issuer's keys, each set as it was. */
export interface Grounds {
  readonly name: string;
  readonly issuer: TokenIssuer;
  readonly sets: readonly HeldSet[];
}

export interface HeldSet {
  readonly keys: TokenKeys;
  /** undefined: they were never had. */
  readonly keySet: KeySet | undefined;
}

interface Refusal {
  readonly fault: Fault;
  readonly grounds: Grounds;
  readonly at: EpochMs;
}

interface Kept extends Refusal {
  readonly until: EpochMs;
}

/** At most. */
const KEPT_MS: Millis = 10_000;
/** About 1 MB. Whoever makes up more than that many at once has each of them verified. */
const MOST = 4_096;

/**
 * Tokens that were rejected a moment ago, by SHA-256, so that a caller that repeats one costs no signature each time.
 *
 * Only to be given what cannot come to hold by the same grounds: once the policy or a key set is another, or the clock
 * was set back, nothing is remembered of a token.
 */
export class RefusedTokens {
  readonly #refusals = new LRUCache<string, Kept>({ max: MOST });

  /** Say why a token was rejected. @param issuerNow the issuer of a name by the policy in force. */
  get(id: string, now: EpochMs, issuerNow: (name: string) => TokenIssuer | undefined): Fault | undefined {
    const refusal = this.#refusals.get(id);
    if (!refusal) return undefined;
    const { at, until, grounds, fault } = refusal;
    const isRecent = now >= at && now < until;
    if (isRecent && issuerNow(grounds.name) === grounds.issuer && isAsBefore(grounds.sets)) return fault;
    this.#refusals.delete(id);
    return undefined;
  }

  /** Remember why a token was rejected. @param mayBeSaved whether new keys may: as soon as they can be had it is judged. */
  keep(id: string, refusal: Refusal, mayBeSaved: boolean): void {
    const renewals = mayBeSaved ? refusal.grounds.sets.map(({ keys }) => keys.restsUntil()) : [];
    this.#refusals.set(id, { ...refusal, until: Math.min(refusal.at + KEPT_MS, ...renewals) });
  }
}

/** Whether key sets are still those that are held. */
export function isAsBefore(sets: readonly HeldSet[]): boolean {
  return sets.every(({ keys, keySet }) => keys.held() === keySet);
}
