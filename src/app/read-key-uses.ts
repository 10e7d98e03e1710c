import type { Policy } from "../domain/policy.js";
import type { EpochMs } from "../domain/units.js";
import type { KeptUses } from "./key-use-ports.js";

/** What was seen of the use of keys, over all replicas that share the counters. */
export interface KeysSeen {
  /** Of what was before nothing is known. */
  readonly since: EpochMs;
  /** Those that the policy lists, in its order. */
  readonly callers: readonly CallerKeySeen[];
  /** Those in force first, then by last use. */
  readonly upstream: readonly UpstreamKeySeen[];
}

export interface CallerKeySeen {
  readonly sha256: string;
  readonly principal: string;
  /** The key's own id; undefined: it was not seen yet. */
  readonly id: string | undefined;
  readonly lastUsed: EpochMs | undefined;
}

export interface UpstreamKeySeen {
  readonly fingerprint: string;
  /** That have it in force here; those that it was used for, where none has. */
  readonly workspaces: readonly string[];
  readonly lastUsed: EpochMs | undefined;
  /** Whether this process sends calls with it. */
  readonly isInForce: boolean;
}

/**
 * Hold what was seen against the keys that there are.
 *
 * @param inForce the workspaces of each Mistral key in force, by its fingerprint.
 */
export function keysSeen(
  { credentials }: Policy,
  inForce: ReadonlyMap<string, readonly string[]>,
  { since, uses }: KeptUses,
): KeysSeen {
  const callers = new Map<string, { readonly id: string; readonly at: EpochMs }>();
  const upstream = new Map<string, { readonly workspaces: Set<string>; at: EpochMs | undefined }>();
  for (const [fingerprint, workspaces] of inForce) {
    upstream.set(fingerprint, { workspaces: new Set(workspaces), at: undefined });
  }
  for (const { key, at } of uses) {
    if (key.kind === "caller") {
      callers.set(key.sha256, { id: key.id, at });
      continue;
    }
    const seen = upstream.get(key.fingerprint) ?? { workspaces: new Set<string>(), at: undefined };
    if (!inForce.has(key.fingerprint)) seen.workspaces.add(key.workspace);
    seen.at = Math.max(at, seen.at ?? 0);
    upstream.set(key.fingerprint, seen);
  }
  return {
    since,
    callers: Array.from(credentials.byApiKeyHash, ([sha256, principal]) => {
      const seen = callers.get(sha256);
      return { sha256, principal, id: seen?.id, lastUsed: seen?.at };
    }),
    upstream: Array.from(upstream, ([fingerprint, { workspaces, at }]) => ({
      fingerprint,
      workspaces: [...workspaces].sort(),
      lastUsed: at,
      isInForce: inForce.has(fingerprint),
    })).sort(byForceAndUse),
  };
}

function byForceAndUse(left: UpstreamKeySeen, right: UpstreamKeySeen): number {
  if (left.isInForce !== right.isInForce) return left.isInForce ? -1 : 1;
  return (right.lastUsed ?? 0) - (left.lastUsed ?? 0) || (left.fingerprint < right.fingerprint ? -1 : 1);
}
