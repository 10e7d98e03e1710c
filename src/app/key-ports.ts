import type { EpochMs } from "../domain/units.js";

/** A key as its provider lists it. Never holds its secret. */
export interface ListedKey {
  /** The provider's id, by which it is revoked. */
  readonly id: string;
  readonly name: string;
  /** The provider's workspace; undefined where the list does not say. */
  readonly workspace: { readonly id: string; readonly name: string | undefined } | undefined;
  /** What may be shown of the secret, as "HQSx...Ug6Y"; undefined where the list does not say. */
  readonly mask: string | undefined;
  readonly createdAt: EpochMs | undefined;
  /** undefined: never, or the list does not say. */
  readonly expiresAt: EpochMs | undefined;
  readonly lastUse: LastUse;
}

/** When a key was used last. A day is known by its start, UTC: the use may be up to 24 h later. */
export type LastUse =
  | { readonly kind: "instant"; readonly at: EpochMs }
  | { readonly kind: "day"; readonly start: EpochMs }
  | { readonly kind: "never" }
  /** The list does not say. */
  | { readonly kind: "unknown" };

/** A key that was made a moment ago, with its secret: it is shown this once. */
export interface MadeKey {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly expiresAt: EpochMs | undefined;
}

/** What a key is to be made as. */
export interface KeyOrder {
  readonly name: string;
  /** The provider's id of the workspace. */
  readonly workspace: string;
  /** Whose key it is, where the provider asks. */
  readonly owner: string | undefined;
  readonly expiresAt: EpochMs | undefined;
}

/** A call that did not do what it was asked, told for a person without any secret: what; remedy. */
export type KeyFault =
  /** Refused as not available here: 401, 403, 404. */
  | { readonly kind: "unavailable"; readonly why: string }
  /** Refused for what was asked. */
  | { readonly kind: "refused"; readonly why: string }
  /** Not answered, or not in a way that says whether it was done. */
  | { readonly kind: "unknown"; readonly why: string };

/** Lists, makes and revokes the keys of a provider. */
export interface KeyProvider {
  list(): Promise<{ readonly kind: "keys"; readonly keys: readonly ListedKey[] } | KeyFault>;
  /** Never asked twice by itself: a key that was made unseen is found by its name. */
  create(order: KeyOrder): Promise<{ readonly kind: "made"; readonly key: MadeKey } | KeyFault>;
  /** Revoking a key that is gone already is `revoked` too. */
  revoke(id: string): Promise<{ readonly kind: "revoked" } | KeyFault>;
}

/** Keeps a secret where its readers take it from. */
export interface SecretSink {
  /** For a person, as "file /run/secrets/mistral-dev". Holds no secret. */
  readonly place: string;
  /** Put a secret in the place of the one before; all of it or nothing. Safe to repeat. */
  store(secret: string): Promise<{ readonly kind: "stored" } | { readonly kind: "failed"; readonly why: string }>;
  /**
   * Read what is there.
   *
   * @returns `unreadable` where this kind of place gives nothing back, as a command does.
   */
  read(): Promise<
    | { readonly kind: "secret"; readonly secret: string }
    | { readonly kind: "empty" }
    | { readonly kind: "unreadable"; readonly why: string }
  >;
}

/** Tries a key at its provider. */
export interface KeyProbe {
  /** @returns `rejected` where the provider knows no such key (401, 403); `unknown` where it gave no answer to go by. */
  verify(
    secret: string,
  ): Promise<
    | { readonly kind: "works" }
    | { readonly kind: "rejected"; readonly why: string }
    | { readonly kind: "unknown"; readonly why: string }
  >;
}

/** A key's use as Windbreak itself saw it. */
export interface KeyUse {
  /** Callers' by their key id, upstream ones by their fingerprint. */
  readonly id: string;
  readonly lastUsed: EpochMs;
}

/** What Windbreak itself saw of keys' use, over all replicas that share a store. */
export interface KeyUses {
  read(
    kind: "caller" | "upstream",
  ): Promise<
    | { readonly kind: "uses"; readonly since: EpochMs; readonly uses: readonly KeyUse[] }
    | { readonly kind: "away"; readonly cause: unknown }
  >;
}
