// How callers prove who they are, as the policy file says it.

/** What proves that a caller is a principal that the file lists. */
export interface Credentials {
  /** Ids of the principals that have any: those alone prove them, and no trust rule does. */
  readonly holders: ReadonlySet<string>;
  /** Principal ids by the SHA-256 of an API key, as 64 lower-case hexadecimal digits. */
  readonly byApiKeyHash: ReadonlyMap<string, string>;
  /** Principal ids by SPIFFE id. */
  readonly bySpiffeId: ReadonlyMap<string, string>;
  /** By issuer, then by one claim that each asks for, then by that claim's value: thousands must not be tried in turn. */
  readonly tokens: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, readonly TokenCredential[]>>>;
}

/** Tokens that prove one listed principal. */
export interface TokenCredential extends TokenSource {
  readonly principal: string;
  /** What the token must hold: name and value. */
  readonly claims: ReadonlyMap<string, string>;
  /** Its place among all token credentials of the file: of several that fit, the least is meant. */
  readonly place: number;
}

/** Whose tokens, and for whom they are made. */
export interface TokenSource {
  /** Their `iss`, to the letter. */
  readonly issuer: string;
  /** What their `aud` is or holds. */
  readonly audience: string;
}

/** Who makes tokens that this policy takes. */
export interface TokenIssuer {
  /** Every `aud` that a rule or a credential asks for. */
  readonly audiences: ReadonlySet<string>;
  /** Where the keys are that its tokens are signed by; usually one place, none twice. */
  readonly keys: readonly KeysPlace[];
}

/** Where a JSON Web Key Set lies: a URL, or the path of a file. */
export interface KeysPlace {
  readonly kind: "url" | "file";
  readonly at: string;
}

/** What makes principals of callers that are not listed one by one. */
export type TrustRule = TokenRule | SpiffeRule;

export interface TokenRule extends TokenSource {
  readonly kind: "token";
  readonly principal: FromClaim;
  readonly role: string | FromClaim;
  readonly workspace: string | FromClaim;
}

/** The SPIFFE id itself is the principal. */
export interface SpiffeRule {
  readonly kind: "spiffe";
  /** Matches a whole SPIFFE id. */
  readonly pattern: RegExp;
  readonly role: string;
  readonly workspace: string;
}

/** A name that a token says. */
export interface FromClaim {
  readonly claim: string;
  /** From the claim's values to names, in the order of the file; undefined: the value is the name. */
  readonly map: ReadonlyMap<string, string> | undefined;
}
