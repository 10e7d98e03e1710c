import type { SecretPlace } from "./secret-place.js";
import type { Millis } from "./units.js";

/** What a keys file says of Mistral's keys: where they are kept, how old they may grow, and who reads them. Immutable. */
export interface KeysFile {
  readonly admin: AdminApi;
  readonly rotation: RotationRule;
  readonly audit: AuditRule;
  /** By the policy's name of the workspace. */
  readonly upstream: ReadonlyMap<string, UpstreamRule>;
}

/** Whose names the fields of the Admin API have: `admin` is Mistral's own, `document` that of older descriptions. */
export const DIALECTS = ["admin", "document"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** The header that carries the admin key. */
export const ADMIN_AUTHS = ["x-api-key", "bearer"] as const;
export type AdminAuth = (typeof ADMIN_AUTHS)[number];

/** Where Mistral's keys are listed, made and revoked. URLs have no slash at their end. */
export interface AdminApi {
  readonly dialect: Dialect;
  /** What `/api-keys` stands after. */
  readonly url: string;
  readonly auth: AdminAuth;
  readonly key: SecretPlace;
  /** Where a new key is tried: what `/v1/models` stands after. */
  readonly apiUrl: string;
  /** How long one answer may take. */
  readonly timeoutMs: Millis;
}

export interface RotationRule {
  /** The age from which a key is to be rotated. */
  readonly everyMs: Millis;
  /** How long readers of a sink are given to take up what it holds. */
  readonly propagateMs: Millis;
  /** How long the key before must be unused until it is revoked. */
  readonly graceMs: Millis;
}

export interface AuditRule {
  /** How long a key may go without use. */
  readonly unusedMs: Millis;
  /** How long before its end a key is said to expire soon. */
  readonly expiringMs: Millis;
}

/** The key of one of the policy's workspaces. */
export interface UpstreamRule {
  /** Mistral's id of the workspace. */
  readonly workspace: string;
  /** Whose key a new one is: Mistral's id of the user. The dialect `admin` asks for it, which is checked; undefined otherwise. */
  readonly owner: string | undefined;
  /** What the names of its keys begin with. */
  readonly name: string;
  /** Where its readers take it from. */
  readonly sink: SinkPlace;
}

/** Where a key is put for those who use it. */
export type SinkPlace =
  | {
      readonly kind: "file";
      readonly path: string;
      /** Permission bits; undefined: those of the file that is there, else 0600. */
      readonly mode: number | undefined;
    }
  | {
      readonly kind: "kubernetes";
      readonly namespace: string;
      readonly secret: string;
      /** The key within the secret. */
      readonly key: string;
      /** undefined: that of the pod's own cluster. */
      readonly apiUrl: string | undefined;
      /** A directory with `token` and `ca.crt`; undefined: that of the pod's service account. */
      readonly account: string | undefined;
    }
  | {
      readonly kind: "vault";
      readonly url: string;
      /** Of a key-value engine, version 2. */
      readonly mount: string;
      readonly path: string;
      readonly field: string;
      readonly token: SecretPlace;
      /** A file with the authorities that alone are trusted, as PEM; undefined: those that Node trusts. */
      readonly ca: string | undefined;
    }
  | {
      readonly kind: "command";
      /** The program and its arguments, run without a shell. The secret comes on its standard input. */
      readonly argv: readonly [string, ...string[]];
    };
