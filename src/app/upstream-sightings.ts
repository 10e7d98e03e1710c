import { fingerprintOf } from "../domain/fingerprint.js";
import { fitsMask } from "../domain/mask.js";
import type { EpochMs } from "../domain/units.js";
import type { Sighting } from "./audit-keys.js";
import type { ListedKey, SecretSink } from "./key-ports.js";

/** What a running server saw of Mistral's keys, by fingerprint. */
export interface SeenUpstream {
  readonly since: EpochMs;
  readonly upstream: readonly { readonly fingerprint: string; readonly lastUsed: EpochMs | undefined }[];
}

/** What a workspace's sink gave back. */
export type HeldSecret = Awaited<ReturnType<SecretSink["read"]>>;

/**
 * Find which of the listed keys the sinks hold, and when those were used.
 *
 * A key is known by what its provider shows of its secret. Where that is nothing, or a sink gives nothing back, it stays
 * open whether a key of that workspace is in force.
 *
 * @param held by the provider's id of the workspace, which several of the policy's may share.
 */
export function upstreamSightings(
  keys: readonly ListedKey[],
  held: ReadonlyMap<string, readonly HeldSecret[]>,
  seen: SeenUpstream | undefined,
): ReadonlyMap<string, Sighting> {
  const uses = new Map(seen?.upstream.map(({ fingerprint, lastUsed }) => [fingerprint, lastUsed]));
  return new Map(
    keys.map(({ id, mask, workspace }): [string, Sighting] => {
      const candidates = workspace ? (held.get(workspace.id) ?? []) : [...held.values()].flat();
      const secret = candidates
        .flatMap((one) => (one.kind === "secret" ? [one.secret] : []))
        .find((one) => mask !== undefined && fitsMask(one, mask));
      if (secret === undefined) {
        const isKnown =
          candidates.length > 0 &&
          candidates.every(({ kind }) => kind === "empty" || (kind === "secret" && mask !== undefined));
        return [id, { lastUsed: undefined, since: undefined, isInForce: isKnown ? false : undefined }];
      }
      return [id, { lastUsed: uses.get(fingerprintOf(secret)), since: seen?.since, isInForce: true }];
    }),
  );
}
