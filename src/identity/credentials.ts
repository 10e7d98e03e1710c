import type { PrincipalName } from "../app/forms.js";
import type { ApiKeyUsed, Claims } from "../app/identity-ports.js";
import { type Refused, refused } from "../app/refused.js";
import { ID, ID_RULE } from "../domain/names.js";
import type { Policy } from "../domain/policy.js";
import type { FromClaim, TokenCredential, TokenRule } from "../domain/trust.js";
import { hashApiKey, parseApiKey } from "./api-key.js";
import { isAskedFor, isOf, take, textsOf } from "./claims.js";

/** What a sound credential comes to under a policy. */
export type Proof = Proved | Refused;

export interface Proved {
  readonly kind: "proved";
  /** Of a listed principal the id alone: its role and workspace are the policy's. */
  readonly name: PrincipalName & { readonly isProved: true };
  /** What in the policy says so, by its path in the file. */
  readonly by: string;
}

/**
 * Find whose API key this is. The policy holds keys' hashes only, so a look-up tells nothing by the time it takes.
 *
 * @param used told of the key where it is somebody's.
 */
export function byApiKey(policy: Policy, text: string, used?: ApiKeyUsed): Proof {
  const key = parseApiKey(text);
  if (key.kind === "none") return refused("unknown_principal", `the API key ${key.why}`);
  // Hashing takes about a microsecond, so what came of a key is not kept.
  const sha256 = hashApiKey(text);
  const principal = policy.credentials.byApiKeyHash.get(sha256);
  if (principal !== undefined) {
    used?.(key.id, sha256);
    return listed(principal);
  }
  return refused("unknown_principal", `the API key ${key.id} is not one of the policy's`);
}

/** Find whom the SPIFFE id of a verified certificate means: a listed principal, or one that a trust rule makes of it. */
export function bySpiffe(policy: Policy, id: string): Proof {
  const holder = policy.credentials.bySpiffeId.get(id);
  if (holder !== undefined) return listed(holder);
  for (const [index, rule] of policy.trust.entries()) {
    if (rule.kind !== "spiffe" || !rule.pattern.test(id)) continue;
    if (!ID.test(id)) return refused("unknown_principal", `trust[${index}]: the SPIFFE id is not ${ID_RULE}`);
    const where = `trust[${index}]`;
    if (policy.credentials.holders.has(id)) return refused("unknown_principal", otherwiseProved(where));
    return policy.principals.has(id) ? proved(where, id) : proved(where, id, rule.role, rule.workspace);
  }
  return refused("unknown_principal", "no principal has the caller's SPIFFE id, and no trust rule matches it");
}

/**
 * Find whom a token means: the first listed principal whose credential it fits, or whom the first trust rule with its
 * issuer and audience makes of it.
 *
 * @param claims of a token whose signature and lifetime were verified by the keys of its issuer.
 */
export function byClaims(policy: Policy, claims: Claims): Proof {
  const fitting = listedByClaims(policy, claims);
  if (fitting) return listed(fitting.principal);
  for (const [index, rule] of policy.trust.entries()) {
    if (rule.kind === "token" && isOf(claims, rule)) return byTokenRule(policy, claims, rule, `trust[${index}]`);
  }
  const message = "no principal is told by the token's claims, and no trust rule is for its issuer and audience";
  return refused("unknown_principal", message);
}

function listed(id: string): Proved {
  return proved(`principals.${id}.credentials`, id);
}

function proved(by: string, id: string, role = "", workspace = ""): Proved {
  return { kind: "proved", name: { id, role, workspace, isProved: true }, by };
}

function listedByClaims({ credentials }: Policy, claims: Claims): TokenCredential | undefined {
  const issuer = claims["iss"];
  const byClaim = typeof issuer === "string" ? credentials.tokens.get(issuer) : undefined;
  let found: TokenCredential | undefined;
  for (const [claim, byValue] of byClaim ?? []) {
    for (const value of textsOf(claims, claim)) {
      const fitting = byValue.get(value)?.find((credential) => isAskedFor(claims, credential));
      if (fitting && (!found || fitting.place < found.place)) found = fitting;
    }
  }
  return found;
}

function byTokenRule(policy: Policy, claims: Claims, rule: TokenRule, where: string): Proof {
  const principal = take(rule.principal, claims);
  if (principal.kind === "missing") return refused("unknown_principal", `${where}: ${principal.why}`);
  const id = principal.name;
  if (!ID.test(id)) {
    return refused("unknown_principal", `${where}: the claim ${rule.principal.claim} is no id: ${ID_RULE}`);
  }
  if (policy.credentials.holders.has(id)) return refused("unknown_principal", otherwiseProved(where));
  if (policy.principals.has(id)) return proved(where, id);

  const role = named(rule.role, claims, policy.roles, "role");
  if (role.kind === "missing") return refused("unknown_role", `${where}: ${role.why}`, id);
  const workspace = named(rule.workspace, claims, policy.workspaces, "workspace");
  if (workspace.kind === "missing") return refused("unknown_workspace", `${where}: ${workspace.why}`, id);
  return proved(where, id, role.name, workspace.name);
}

/** An issuer that may name callers must not thereby get round what a listed principal asks of its own. */
function otherwiseProved(where: string): string {
  return `${where}: the principal that it names lists credentials of its own, and this is none of them`;
}

/** A role or workspace that the policy knows; what a token says is looked up there, and never shown. */
function named(said: string | FromClaim, claims: Claims, known: Policy["roles"] | Policy["workspaces"], kind: string) {
  const taken = typeof said === "string" ? ({ kind: "taken", name: said } as const) : take(said, claims);
  if (taken.kind === "missing" || known.has(taken.name)) return taken;
  const from = typeof said === "string" ? "its rule" : `the claim ${said.claim}`;
  return { kind: "missing", why: `${from} names no ${kind} of the policy` } as const;
}
