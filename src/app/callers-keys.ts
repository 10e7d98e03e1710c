import type { Policy } from "../domain/policy.js";
import type { EpochMs } from "../domain/units.js";
import type { Sighting } from "./audit-keys.js";
import type { ListedKey } from "./key-ports.js";

/** A caller's key as a running server knows it: it alone sees both the key's id and its hash. */
export interface SeenCaller {
  /** undefined: the key was not used since the server looks. */
  readonly keyId: string | undefined;
  readonly sha256: string;
  readonly lastUsed: EpochMs | undefined;
}

/** What a running server saw of callers' keys. */
export interface SeenCallers {
  readonly since: EpochMs;
  readonly callers: readonly SeenCaller[];
}

/** Digits of a hash that stand for a key whose id nobody knows. */
const SHOWN_DIGITS = 12;

/**
 * List the keys that a policy knows its callers by, with what a server saw of their use.
 *
 * A key is named by its id where the server saw it, else by the beginning of its hash. Its name is its principal.
 */
export function callersKeys(
  { credentials, principals }: Policy,
  seen: SeenCallers | undefined,
): { readonly keys: readonly ListedKey[]; readonly sightings: ReadonlyMap<string, Sighting> } {
  const bySha256 = new Map(seen?.callers.map((caller) => [caller.sha256, caller]));
  const sightings = new Map<string, Sighting>();
  const keys = [...credentials.byApiKeyHash].map(([sha256, principal]): ListedKey => {
    const caller = bySha256.get(sha256);
    const id = caller?.keyId ?? shownHash(sha256);
    sightings.set(id, { lastUsed: caller?.lastUsed, since: seen?.since, isInForce: undefined });
    const workspace = principals.get(principal)?.workspace;
    return {
      id,
      name: principal,
      workspace: workspace === undefined ? undefined : { id: workspace, name: workspace },
      mask: undefined,
      createdAt: undefined,
      expiresAt: undefined,
      lastUse: { kind: "unknown" },
    };
  });
  return { keys, sightings };
}

/** Name a key by its hash: `sha256:9f86d081884c`. */
export function shownHash(sha256: string): string {
  return `sha256:${sha256.slice(0, SHOWN_DIGITS)}`;
}
