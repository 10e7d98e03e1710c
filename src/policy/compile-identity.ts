import type { Policy } from "../domain/policy.js";
import type { FromClaim, KeysPlace, TokenCredential, TrustRule } from "../domain/trust.js";
import type { PolicyFile } from "./schema.js";

type CredentialRules = PolicyFile["principals"][string]["credentials"];
type TrustRules = PolicyFile["trust"];
type JwksRule = NonNullable<TrustRules[number]["jwt"]>["jwks"] | undefined;
type ClaimRule = NonNullable<TrustRules[number]["principal"]>;

/** How callers prove who they are, taking in principals one by one. */
export interface CompilingIdentity extends Pick<Policy, "credentials" | "trust" | "issuers"> {
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
  const issuers: IssuerIndex = new Map();
  let place = 0;
  for (const { jwt } of rules) if (jwt) keepIssuer(issuers, jwt);
  return {
    credentials: { holders, byApiKeyHash, bySpiffeId, tokens },
    trust: rules.map(trustRuleOf),
    issuers,
    add(principal, credentials = []) {
      if (credentials.length > 0) holders.add(principal);
      for (const { api_key_sha256: hash, spiffe, jwt } of credentials) {
        if (hash !== undefined) byApiKeyHash.set(hash.toLowerCase(), principal);
        if (spiffe !== undefined) bySpiffeId.set(spiffe, principal);
        if (!jwt) continue;
        const { issuer, audience } = jwt;
        keepIssuer(issuers, jwt);
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

type IssuerIndex = Map<string, { readonly audiences: Set<string>; readonly keys: KeysPlace[] }>;

function keepIssuer(
  index: IssuerIndex,
  { issuer, audience, jwks }: { readonly issuer: string; readonly audience: string; readonly jwks?: JwksRule },
): void {
  const known = index.get(issuer) ?? { audiences: new Set(), keys: [] };
  known.audiences.add(audience);
  index.set(issuer, known);
  if (jwks === undefined) return;
  const place: KeysPlace = typeof jwks === "string" ? { kind: "url", at: jwks } : { kind: "file", at: jwks.file };
  if (!known.keys.some(({ kind, at }) => kind === place.kind && at === place.at)) known.keys.push(place);
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
