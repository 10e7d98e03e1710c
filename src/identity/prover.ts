import { distrusted, type Fault } from "../app/fault.js";
import type { Evidence, Prover, Shown } from "../app/identity-ports.js";
import type { MaybePromise } from "../app/ports.js";
import { NO_CREDENTIAL } from "./credential.js";
import type { TokenVerifier, Verified } from "./token-verifier.js";

/** An API key or a token, alone: two that were joined by a comma are neither. */
const BEARER = /^bearer +([^\s,]+) *$/i;

/** Turn what calls show into evidence: API keys as they are, tokens once they are verified. */
export function credentialProver(tokens: Pick<TokenVerifier, "verify">): Prover {
  return {
    prove({ authorization, peerUris }: Shown): MaybePromise<Evidence | Fault> {
      const spiffeId = spiffeIdIn(peerUris);
      const ofPeer = spiffeId === undefined ? {} : { spiffeId };
      const [value, second] = authorization;
      if (value === undefined) return spiffeId === undefined ? NO_CREDENTIAL : ofPeer;
      const credential = second === undefined ? BEARER.exec(value)?.[1] : undefined;
      if (credential === undefined) return NO_BEARER;
      if (credential.startsWith("wb_")) return { ...ofPeer, apiKey: credential };
      const verified = tokens.verify(credential);
      return verified instanceof Promise ? verified.then((it) => withClaims(ofPeer, it)) : withClaims(ofPeer, verified);
    },
  };
}

const NO_BEARER = distrusted(
  "unauthenticated",
  "malformed",
  "authorization holds no single bearer; send authorization: Bearer wb_… (an API key), or Bearer and a token",
);

function withClaims(ofPeer: Evidence, verified: Verified | Fault): Evidence | Fault {
  return verified.kind === "fault" ? verified : { ...ofPeer, claims: verified.claims, expiresAt: verified.expiresAt };
}

/** A certificate of SPIFFE names one URI and no more (X.509-SVID, section 2): of several, none can be meant. */
function spiffeIdIn([uri, second]: readonly string[]): string | undefined {
  return second === undefined && uri?.startsWith("spiffe://") ? uri : undefined;
}
