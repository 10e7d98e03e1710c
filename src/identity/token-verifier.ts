import { hash } from "node:crypto";
import { createLocalJWKSet, decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { distrusted, type Fault } from "../app/fault.js";
import type { Claims, KeySet, TokenKeys } from "../app/identity-ports.js";
import type { Clock, MaybePromise } from "../app/ports.js";
import type { Distrust } from "../domain/distrust.js";
import type { Policy } from "../domain/policy.js";
import type { KeysPlace, TokenIssuer } from "../domain/trust.js";
import type { EpochMs } from "../domain/units.js";
import { type Grounds, type HeldSet, isAsBefore, RefusedTokens } from "./refused-tokens.js";
import { whyNot } from "./why-not.js";

/** A token that holds. */
export interface Verified {
  readonly kind: "verified";
  readonly claims: Claims;
  /** With the difference of clocks that is borne. */
  readonly expiresAt: EpochMs;
}

export interface TokenVerifierOptions {
  /** The policy in force. */
  readonly policy: () => Policy;
  /** The keys at a place that a policy names; the same object for the same place as long as they are held. */
  readonly keysAt: (place: KeysPlace) => TokenKeys;
  /** The wall's: issuers know no other. */
  readonly clock: Clock;
  /** How much text of tokens is kept verified, in bytes; 16 MiB when left out. */
  readonly keptBytes?: number;
}

/** A token that was verified, and by what: it holds as long as that does. */
interface Kept {
  readonly verified: Verified;
  readonly issuer: string;
  readonly keys: TokenKeys;
  readonly keySet: KeySet;
}

/** Who says to have made a token, and is trusted. */
interface Maker {
  readonly name: string;
  readonly issuer: TokenIssuer;
}

const KEPT_BYTES = 16 * 1024 * 1024;
/** Of identity providers' tokens most have one or two KiB. */
const MOST_BYTES = 8_192;
/** How far an issuer's clock may differ from this one, in seconds. */
const SKEW_S = 30;
/** Signatures by key pairs. Never `none`; and never HS*, where whoever reads the public keys could sign. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/**
 * Verifies tokens (JWT, RFC 7519) by the keys of the issuers that the policy in force trusts.
 *
 * One that was verified is known by its SHA-256 until it expires, so that a call with it waits for nothing. It is
 * verified anew once its issuer's keys have changed, or the policy trusts another issuer, audience or place of keys.
 * What was rejected is known for a moment, unless a key that is new, or time, may save it.
 */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #kept: LRUCache<string, Kept>;
  readonly #refused = new RefusedTokens();
  /** By SHA-256: a client's first calls come together, and one of them verifies its token. */
  readonly #underWay = new Map<string, Promise<Verified | Fault>>();
  readonly #selectors = new WeakMap<KeySet, JWTVerifyGetKey>();

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    this.#kept = new LRUCache({ maxSize: options.keptBytes ?? KEPT_BYTES });
  }

  /** Verify a token. Rejects only for what nobody expected. */
  verify(token: string): MaybePromise<Verified | Fault> {
    if (token.length > MOST_BYTES) return rejected("malformed", `has more than ${MOST_BYTES} bytes`);
    const id = hash("sha256", token, "base64");
    const kept = this.#kept.get(id);
    if (kept && this.#holds(kept)) return kept.verified;
    const underWay = this.#underWay.get(id);
    if (underWay) return underWay;
    const { clock, policy } = this.#options;
    const refused = this.#refused.get(id, clock.now(), (name) => policy().issuers.get(name));
    if (refused) return refused;
    const maker = this.#makerOf(token);
    if ("kind" in maker) return maker;

    const verifying = this.#verify(token, maker, id).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, verifying);
    return verifying;
  }

  #holds({ verified, issuer: name, keys, keySet }: Kept): boolean {
    const { clock, policy } = this.#options;
    if (verified.expiresAt <= clock.now() || keys.held() !== keySet) return false;
    const issuer = policy().issuers.get(name);
    return issuer !== undefined && isFor(issuer, verified.claims) && this.#keysOf(issuer).includes(keys);
  }

  #keysOf({ keys }: TokenIssuer): readonly TokenKeys[] {
    return keys.map((place) => this.#options.keysAt(place));
  }

  /** Nothing is done for a token of a stranger. */
  #makerOf(token: string): Maker | Fault {
    try {
      const { iss: name = "" } = decodeJwt(token);
      const issuer = this.#options.policy().issuers.get(name);
      return issuer ? { name, issuer } : rejected("wrong_issuer", "is of no issuer that the policy trusts");
    } catch (error) {
      if (error instanceof errors.JOSEError) return rejected("malformed", "cannot be read");
      throw error;
    }
  }

  async #verify(token: string, maker: Maker, id: string): Promise<Verified | Fault> {
    const all = this.#keysOf(maker.issuer);
    const before = setsOf(all);
    const first = await this.#verifyByAny(token, maker, before, id);
    if (!isOutdated(first)) return this.#settle(first, { ...maker, sets: before }, id);
    // Signed by a key that is not held: it may be newer than those that are.
    const renewed = await Promise.all(all.map((keys) => keys.renew()));
    const sets = setsOf(all);
    const second = isAsBefore(before) ? first : await this.#verifyByAny(token, maker, sets, id);
    const isJudged = renewed.every((isFresh) => isFresh) || second instanceof errors.JWSSignatureVerificationFailed;
    return isOutdated(second) && !isJudged ? KEYS_AWAY : this.#settle(second, { ...maker, sets }, id);
  }

  #settle(result: Verified | errors.JOSEError, grounds: Grounds, id: string): Verified | Fault {
    if ("kind" in result) return result;
    const fault = rejected(...whyNot(result));
    const refusal = { fault, grounds, at: this.#options.clock.now() };
    if (!mayTurn(result)) this.#refused.keep(id, refusal, isOutdated(result));
    return fault;
  }

  /** @returns why not by the last key set, where by none. */
  async #verifyByAny(token: string, maker: Maker, sets: readonly HeldSet[], id: string) {
    let last: Verified | errors.JOSEError = new errors.JWKSNoMatchingKey();
    for (const { keys, keySet } of sets) {
      if (!keySet) continue;
      last = await this.#verifyBy(token, maker, keySet);
      if (!isOutdated(last)) {
        const { name: issuer } = maker;
        if ("kind" in last) this.#kept.set(id, { verified: last, issuer, keys, keySet }, { size: token.length });
        return last;
      }
    }
    return last;
  }

  async #verifyBy(token: string, { name, issuer }: Maker, keySet: KeySet): Promise<Verified | errors.JOSEError> {
    try {
      const { payload } = await jwtVerify(token, this.#selectorOf(keySet), {
        algorithms: ALGORITHMS,
        issuer: name,
        audience: [...issuer.audiences],
        requiredClaims: ["exp"],
        clockTolerance: SKEW_S,
        currentDate: new Date(this.#options.clock.now()),
      });
      return { kind: "verified", claims: payload, expiresAt: ((payload.exp ?? 0) + SKEW_S) * 1000 };
    } catch (error) {
      if (error instanceof errors.JOSEError) return error;
      // Of its issuer's making: an RSA key of 1024 bits, a point on no curve.
      if (error instanceof TypeError || error instanceof DOMException) return new errors.JWKInvalid();
      throw error;
    }
  }

  #selectorOf(keySet: KeySet): JWTVerifyGetKey {
    const known = this.#selectors.get(keySet);
    if (known) return known;
    const selector = createLocalJWKSet({ keys: [...keySet.keys] });
    this.#selectors.set(keySet, selector);
    return selector;
  }
}

const KEYS_AWAY = distrusted(
  "unavailable",
  "keys_away",
  "the keys of the token's issuer cannot be had, so that it cannot be judged; send the same again",
);

function isFor({ audiences }: TokenIssuer, { aud }: Claims): boolean {
  if (typeof aud === "string") return audiences.has(aud);
  return Array.isArray(aud) && aud.some((one) => audiences.has(one));
}

/** Whether other keys may say otherwise. */
function isOutdated(result: Verified | errors.JOSEError): boolean {
  return result instanceof errors.JWKSNoMatchingKey || result instanceof errors.JWSSignatureVerificationFailed;
}

/** Whether the same token may come to hold by the same keys and policy: in time, or once its key is read. */
function mayTurn(error: errors.JOSEError): boolean {
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim === "nbf";
  return error instanceof errors.JWKSNoMatchingKey;
}

function setsOf(all: readonly TokenKeys[]): readonly HeldSet[] {
  return all.map((keys) => ({ keys, keySet: keys.held() }));
}

function rejected(why: Distrust, words: string): Fault {
  return distrusted("unauthenticated", why, `the token ${words}; send authorization: Bearer and a token that holds`);
}
