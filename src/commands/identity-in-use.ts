import type { ApiKeyUsed, Identity, Prover } from "../app/identity-ports.js";
import type { Clock } from "../app/ports.js";
import type { Policy } from "../domain/policy.js";
import { credentialIdentity } from "../identity/credential.js";
import { declaredIdentity } from "../identity/declared.js";
import { fixedIdentity } from "../identity/fixed.js";
import { credentialProver } from "../identity/prover.js";
import { TokenVerifier } from "../identity/token-verifier.js";
import type { IssuerKeys } from "../keys/issuer-keys.js";
import type { ServeSettings } from "../settings.js";

/** What issuers of tokens go by. The counters' clock takes its time where the wall clock was set back. */
const WALL: Clock = { now: () => Date.now() };

/** Say who callers are, as the settings have it. @param used told of each API key that is somebody's. */
export function identityFor({ identity }: ServeSettings, used: ApiKeyUsed): Identity {
  switch (identity.kind) {
    case "fixed":
      return fixedIdentity(identity.id);
    case "credential":
      return credentialIdentity(WALL, used);
    case "declared":
      return declaredIdentity();
  }
}

export interface ProverOptions {
  /** The policy in force. */
  readonly policy: () => Policy;
  /** Needed where callers prove who they are. */
  readonly issuerKeys: IssuerKeys | undefined;
}

/**
 * Look at what callers show, where that says who they are; undefined where nobody looks.
 *
 * @throws Error where the keys of tokens are needed and were not given.
 */
export function proverFor({ identity }: ServeSettings, { policy, issuerKeys }: ProverOptions): Prover | undefined {
  if (identity.kind !== "credential") return undefined;
  if (!issuerKeys) throw new Error("callers are to prove who they are, and no keys of tokens are held");
  return credentialProver(new TokenVerifier({ policy, keysAt: (place) => issuerKeys.at(place), clock: WALL }));
}
