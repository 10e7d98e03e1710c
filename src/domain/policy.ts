import type { Alert } from "./alert.js";
import type { Limit } from "./limit.js";
import type { Endpoint, Model } from "./model.js";
import type { Fraction } from "./money.js";
import type { SecretPlace } from "./secret-place.js";
import type { Credentials, TokenIssuer, TrustRule } from "./trust.js";
import type { Millis, Tokens } from "./units.js";

/** One policy file, compiled: immutable, and swapped as one reference. */
export interface Policy {
  /** A hash of the file's content. */
  readonly revision: string;
  readonly organization: string;
  /** IANA name. */
  readonly timezone: string;
  readonly limits: readonly Limit[];
  readonly workspaces: ReadonlyMap<string, Workspace>;
  readonly roles: ReadonlyMap<string, Role>;
  readonly principals: ReadonlyMap<string, ListedPrincipal>;
  readonly unlistedPrincipals: "allow" | "deny";
  readonly credentials: Credentials;
  /** Tried in order, after the credentials. */
  readonly trust: readonly TrustRule[];
  /** By the `iss` of their tokens: all whose tokens can prove anybody. */
  readonly issuers: ReadonlyMap<string, TokenIssuer>;
  /** Every name of every model, aliases included. */
  readonly models: ReadonlyMap<string, Model>;
  readonly defaultMaxOutputTokens: Tokens;
  readonly alerts: readonly Alert[];
}

/** What workspaces, roles and principals have in common. Limits are in the order of their keys. */
interface Ruled {
  readonly name: string;
  readonly limits: readonly Limit[];
  /** Dated ids; undefined: no list of its own. */
  readonly models: ReadonlySet<string> | undefined;
  /** undefined: every endpoint. */
  readonly endpoints: ReadonlySet<Endpoint> | undefined;
}

export interface Workspace extends Ruled {
  readonly models: ReadonlySet<string>;
  readonly onStoreFailure: "deny" | "allow";
  readonly unsettled: Unsettled;
  readonly reservationTtlMs: Millis;
  /** Multiplies every price; 1 unless the file says otherwise. */
  readonly priceFactor: Fraction;
  readonly defaultMaxOutputTokens: Tokens | undefined;
  /** Where the Mistral key lies that Envoy's calls are sent with; undefined: there is none. */
  readonly upstreamKey: SecretPlace | undefined;
  /** What Envoy's door lets through although the request does not bound its cost. */
  readonly unbounded: ReadonlySet<Unbounded>;
}

/** What can make the cost of a call unbounded. */
export const UNBOUNDED = ["output", "batch", "priority_tier", "built_in_tools"] as const;
export type Unbounded = (typeof UNBOUNDED)[number];

/** What becomes of a reservation that expires unsettled. */
export type Unsettled = "charge" | "release";

export interface Role extends Ruled {
  readonly models: ReadonlySet<string>;
  readonly defaultMaxOutputTokens: Tokens | undefined;
}

/** A caller that the file names. */
export interface ListedPrincipal extends Ruled {
  readonly role: string;
  readonly workspace: string;
  readonly disabled: boolean;
}
