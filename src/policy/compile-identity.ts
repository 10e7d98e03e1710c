import type { Policy } from "../domain/policy.js";
import type { FromClaim, TokenCredential, TrustRule } from "../domain/trust.js";
import type { PolicyFile } from "./schema.js";

type CredentialRules = PolicyFile["principals"][string]["credentials"];
type TrustRules = PolicyFile["trust"];
type ClaimRule = NonNullable<TrustRules[number]["principal"]>;

/** How callers prove who they are, taking in principals one by one. */
export interface CompilingIdentity extends Pick<Policy, "credentials" | "trust" | "jwks"> {
  /** Take in what proves a listed principal. */
  add(principal: string, rules: CredentialRules): void;
}

/**
 * Compile trust rules, and begin to gather credentials.
 *
 * @throws Error, as `add` does, for rules that no check lets through.
 */
export function beginIdentity(rules: TrustRules): CompilingIdentity {
  const holders = new Set<string>();
  const byApiKeyHash = new Map<string, string>();
  const bySpiffeId = new Map<string, string>();
  const tokens: TokenIndex = new Map();
  const jwks = new Map<string, string[]>();
  let place = 0;
  for (const { jwt } of rules) if (jwt) keepJwks(jwks, jwt);
  return {
    credentials: { holders, byApiKeyHash, bySpiffeId, tokens },
    trust: rules.map(trustRuleOf),
    jwks,
    add(principal, credentials = []) {
      if (credentials.length > 0) holders.add(principal);
      for (const { api_key_sha256: hash, spiffe, jwt } of credentials) {
        if (hash !== undefined) byApiKeyHash.set(hash.toLowerCase(), principal);
        if (spiffe !== undefined) bySpiffeId.set(spiffe, principal);
        if (!jwt) continue;
        const { issuer, audience } = jwt;
        keepJwks(jwks, jwt);
        keepToken(tokens, { issuer, audience, principal, claims: new Map(Object.entries(jwt.claims)), place: place++ });
      }
    },
  };
}

type TokenIndex = Map<string, Map<string, Map<string, TokenCredential[]>>>;

function keepToken(index: TokenIndex, credential: TokenCredential): void {
  const [first] = credential.claims;
  if (!first) throw new Error(`a token of ${credential.principal} is told by no claim`);
  const [claim, value] = first;
  const byClaim = index.get(credential.issuer) ?? new Map<string, Map<string, TokenCredential[]>>();
  const byValue = byClaim.get(claim) ?? new Map<string, TokenCredential[]>();
  const alike = byValue.get(value) ?? [];
  alike.push(credential);
  byValue.set(value, alike);
  byClaim.set(claim, byValue);
  index.set(credential.issuer, byClaim);
}

function keepJwks(
  jwks: Map<string, string[]>,
  { issuer, jwks: url }: { readonly issuer: string; readonly jwks?: string | undefined },
): void {
  const known = jwks.get(issuer) ?? [];
  if (url !== undefined && !known.includes(url)) jwks.set(issuer, [...known, url]);
}

function trustRuleOf({ jwt, spiffe, principal, role, workspace }: TrustRules[number]): TrustRule {
  if (jwt && principal) {
    return {
      kind: "token",
      issuer: jwt.issuer,
      audience: jwt.audience,
      principal: fromClaim(principal),
      role: typeof role === "string" ? role : fromClaim(role),
      workspace: typeof workspace === "string" ? workspace : fromClaim(workspace),
    };
  }
  if (spiffe !== undefined && typeof role === "string" && typeof workspace === "string") {
    return { kind: "spiffe", pattern: patternOf(spiffe), role, workspace };
  }
  throw new Error("a trust rule proves by a token or by a SPIFFE id");
}

function fromClaim({ claim, map }: ClaimRule): FromClaim {
  return { claim, map: map && new Map(map) };
}

/** A segment holds what the SPIFFE specification lets it hold, and is never empty. */
function patternOf(spiffe: string): RegExp {
  const literal = spiffe.split("*").map((part) => part.replace(/[.]/g, "\\."));
  return new RegExp(`^${literal.join("[A-Za-z0-9._-]+")}$`);
}
