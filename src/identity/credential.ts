import { distrusted, type Fault } from "../app/fault.js";
import { faultInPrincipal, type PrincipalName } from "../app/forms.js";
import type { ApiKeyUsed, Evidence, Identity } from "../app/identity-ports.js";
import type { Clock } from "../app/ports.js";
import type { Refused } from "../app/refused.js";
import type { Policy } from "../domain/policy.js";
import { parseApiKey } from "./api-key.js";
import { byApiKey, byClaims, bySpiffe, type Proof, type Proved } from "./credentials.js";

/** A credential that was shown, and whom it means. */
export interface Finding {
  /** For a person: stands in the middle of a sentence. */
  readonly source: string;
  readonly proof: Proof;
}

/**
 * Take callers for whom their credentials prove them to be, and for nobody else.
 *
 * Whatever is shown must mean one principal. A SPIFFE id that means nobody contradicts nothing: in a mesh every caller
 * has one. What a message names may be left out, and must not be another than was proved.
 *
 * @param clock tells the time that lifetimes of tokens are held against: the wall's.
 * @param used told of each API key that is somebody's.
 */
export function credentialIdentity(clock: Clock, used?: ApiKeyUsed): Identity {
  return {
    whoIs(policy, named, evidence = {}) {
      const misformed = faultInPrincipal(named);
      if (misformed) return misformed;
      if (evidence.expiresAt !== undefined && evidence.expiresAt <= clock.now()) return EXPIRED;
      const found = findingsIn(policy, evidence, used);
      const [first] = found;
      if (!first) return NO_CREDENTIAL;
      const { apiKey } = evidence;
      const wrong = found.find(({ source, proof }) => source === API_KEY && proof.kind === "refused");
      if (apiKey !== undefined && wrong?.proof.kind === "refused") return wrongKey(apiKey, wrong.proof);

      const meant = found.find(({ proof }) => proof.kind === "proved") ?? first;
      const other = found.find(({ proof }) => meansAnother(policy, meant.proof, proof));
      if (other) return disagree(meant.source, other.source);
      return falseClaim(policy, meant.proof, named) ?? (meant.proof.kind === "proved" ? meant.proof.name : meant.proof);
    },
  };
}

/**
 * Find why nobody could prove anything under a policy; undefined where somebody can.
 *
 * @param certificates whether callers can show a certificate.
 */
export function faultInCredential(policy: Policy, certificates: boolean): string | undefined {
  const { credentials, trust } = policy;
  if (credentials.holders.size === 0 && trust.length === 0) {
    return "principals: none lists credentials, and there is no trust rule, so with --identity credential nobody could call; add one of the two, or serve another identity";
  }
  const byOthers =
    credentials.byApiKeyHash.size + credentials.tokens.size > 0 || trust.some(({ kind }) => kind === "token");
  const inVain = certificates || byOthers ? undefined : spiffeInVain(policy);
  return inVain && `${inVain}, or add other credentials: nobody could call`;
}

/** Say which SPIFFE ids nobody can ever prove, where callers can show no certificate; undefined: there are none. */
export function spiffeInVain({ credentials, trust }: Policy): string | undefined {
  const [holder] = credentials.bySpiffeId.values();
  const rule = trust.findIndex(({ kind }) => kind === "spiffe");
  if (holder === undefined && rule < 0) return undefined;
  const where = holder === undefined ? `trust[${rule}]` : `principals.${holder}.credentials`;
  return `${where}: a SPIFFE id that nobody can ever prove, because no caller is asked for a certificate; give --tls-cert, --tls-key and --tls-client-ca`;
}

const API_KEY = "the API key";

/** What is said to who shows nothing. */
export const NO_CREDENTIAL = distrusted(
  "unauthenticated",
  "missing",
  "nothing says who calls: send authorization: Bearer wb_… (an API key) or a token in its place, or connect with a client certificate that has a SPIFFE id",
);

const EXPIRED = distrusted(
  "unauthenticated",
  "expired",
  "the token has expired; get a new one, and open streams anew with it",
);

/** Say to whoever showed an API key that it is nobody's. */
export function wrongKey(apiKey: string, { refusal }: Refused): Fault {
  const why = parseApiKey(apiKey).kind === "key" ? "wrong_key" : "malformed";
  return distrusted("unauthenticated", why, `${refusal.message}; send one that the policy lists`);
}

/** Find whom each credential means that was shown, in the order in which they are spoken of. */
export function findingsIn(
  policy: Policy,
  { spiffeId, claims, apiKey }: Evidence,
  used?: ApiKeyUsed,
): readonly Finding[] {
  const found: Finding[] = [];
  if (apiKey !== undefined) found.push({ source: API_KEY, proof: byApiKey(policy, apiKey, used) });
  if (claims) found.push({ source: "the token", proof: byClaims(policy, claims) });
  if (spiffeId !== undefined) found.push({ source: "the SPIFFE id", proof: bySpiffe(policy, spiffeId) });
  return found;
}

function meansAnother(policy: Policy, meant: Proof, other: Proof): boolean {
  if (meant === other) return false;
  const ids = [idOf(meant), idOf(other)] as const;
  if (ids[0] === undefined || ids[1] === undefined) return false;
  if (ids[0] !== ids[1]) return true;
  if (meant.kind !== "proved" || other.kind !== "proved") return false;
  const [one, two] = [inFull(policy, meant), inFull(policy, other)];
  return one.role !== two.role || one.workspace !== two.workspace;
}

function idOf(proof: Proof): string | undefined {
  return proof.kind === "proved" ? proof.name.id : proof.principal;
}

/** With the role and workspace that the policy says of a listed principal. */
function inFull(policy: Policy, { name }: Proved): PrincipalName {
  const listed = policy.principals.get(name.id);
  return listed ? { id: name.id, role: listed.role, workspace: listed.workspace } : name;
}

const PARTS = ["id", "role", "workspace"] as const;

/** Of whom the policy makes nothing, only what was proved is compared. */
function falseClaim(policy: Policy, proof: Proof, named: PrincipalName): Fault | undefined {
  const who = proof.kind === "proved" ? inFull(policy, proof) : { id: proof.principal ?? "", role: "", workspace: "" };
  const part = PARTS.find((key) => named[key] !== "" && who[key] !== "" && named[key] !== who[key]);
  if (!part) return undefined;
  return distrusted(
    "permission_denied",
    "another",
    `principal.${part}: ${named[part]} is not what the credential proves of ${who.id}; leave it empty or name what it proves`,
  );
}

function disagree(first: string, second: string): Fault {
  return distrusted(
    "permission_denied",
    "another",
    `${second} means another than ${first} does; send one, or let both mean the same`,
  );
}
