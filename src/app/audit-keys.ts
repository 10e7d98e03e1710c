import type { EpochMs, Millis } from "../domain/units.js";
import type { LastUse, ListedKey } from "./key-ports.js";

/** What is to be found in keys. */
export interface AuditRules {
  readonly unusedMs: Millis;
  readonly expiringMs: Millis;
  /** The age from which a key is to be rotated; undefined: any age will do. */
  readonly everyMs: Millis | undefined;
  /** The names of workspaces, by the provider's id; undefined: all are known. */
  readonly workspaces: ReadonlyMap<string, string> | undefined;
  /** Whether names tell keys apart. */
  readonly namesAreUnique: boolean;
}

/** What Windbreak itself saw of a key. */
export interface Sighting {
  /** undefined: no use. */
  readonly lastUsed: EpochMs | undefined;
  /** Since when it looked; undefined: it does not know of this key. */
  readonly since: EpochMs | undefined;
  /** Whether it is the key that a workspace's calls are sent with; undefined: nobody can tell. */
  readonly isInForce: boolean | undefined;
}

/** What is doubtful about a key. */
export type Finding =
  | { readonly kind: "unused"; readonly forMs: Millis }
  | { readonly kind: "never_used" }
  /** Windbreak alone knows of its use, and saw none. */
  | { readonly kind: "not_seen"; readonly since: EpochMs }
  | { readonly kind: "old"; readonly ageMs: Millis }
  | { readonly kind: "expired" }
  | { readonly kind: "expiring"; readonly inMs: Millis }
  | { readonly kind: "unknown_workspace" }
  | { readonly kind: "name_twice" };

/** A key, and what is to be said of it. */
export interface AuditedKey {
  readonly key: ListedKey;
  /** By the policy's name where it has one, else as the provider calls it; undefined where that does not say. */
  readonly workspace: string | undefined;
  /** The later of what the provider says and what Windbreak saw. */
  readonly lastUse: LastUse;
  readonly isInForce: boolean | undefined;
  /** None: nothing is doubtful. */
  readonly findings: readonly Finding[];
}

export interface AuditInput {
  readonly keys: readonly ListedKey[];
  /** By the provider's id of the key. */
  readonly sightings: ReadonlyMap<string, Sighting>;
  readonly rules: AuditRules;
  readonly now: EpochMs;
}

const DAY_MS = 86_400_000;

/**
 * Find the keys that nobody seems to need, that are too old, that end soon, or that nobody can place.
 *
 * Pure. What is not known is no finding: a key without a date of creation is not old. A use of which only the day is
 * known may have been at its end. A key of less than a day may be unused.
 */
export function auditKeys({ keys, sightings, rules, now }: AuditInput): readonly AuditedKey[] {
  const names = new Map<string, number>();
  for (const { name } of keys) names.set(name, (names.get(name) ?? 0) + 1);
  return keys.map((key) => {
    const sighting = sightings.get(key.id) ?? UNSEEN;
    const lastUse = laterUse(key.lastUse, sighting.lastUsed);
    const isTwice = rules.namesAreUnique && key.name !== "" && (names.get(key.name) ?? 0) > 1;
    const isPlaced = key.workspace === undefined || !rules.workspaces || rules.workspaces.has(key.workspace.id);
    return {
      key,
      workspace: workspaceName(key, rules),
      lastUse,
      isInForce: sighting.isInForce,
      findings: [
        ...useFindings({ key, lastUse, since: sighting.since, rules, now }),
        ...ageFindings(key, rules, now),
        ...(isPlaced ? [] : [{ kind: "unknown_workspace" } as const]),
        ...(isTwice ? [{ kind: "name_twice" } as const] : []),
      ],
    };
  });
}

const UNSEEN: Sighting = { lastUsed: undefined, since: undefined, isInForce: undefined };

function workspaceName({ workspace }: ListedKey, { workspaces }: AuditRules): string | undefined {
  return workspace && (workspaces?.get(workspace.id) ?? workspace.name ?? workspace.id);
}

/** Of a day and an instant in it, the instant: it says more. */
function laterUse(told: LastUse, seen: EpochMs | undefined): LastUse {
  if (seen === undefined) return told;
  const toldAt = told.kind === "instant" ? told.at : told.kind === "day" ? told.start : Number.NEGATIVE_INFINITY;
  return seen >= toldAt ? { kind: "instant", at: seen } : told;
}

interface Used {
  readonly key: ListedKey;
  readonly lastUse: LastUse;
  readonly since: EpochMs | undefined;
  readonly rules: AuditRules;
  readonly now: EpochMs;
}

function useFindings({ key, lastUse, since, rules, now }: Used): readonly Finding[] {
  switch (lastUse.kind) {
    case "never": {
      const isNew = key.createdAt !== undefined && now - key.createdAt < DAY_MS;
      return isNew ? [] : [{ kind: "never_used" }];
    }
    case "unknown": {
      if (since === undefined) return [];
      const from = Math.max(since, key.createdAt ?? since);
      return now - from >= rules.unusedMs ? [{ kind: "not_seen", since: from }] : [];
    }
    case "instant":
    case "day": {
      const forMs = now - (lastUse.kind === "instant" ? lastUse.at : lastUse.start + DAY_MS);
      return forMs >= rules.unusedMs ? [{ kind: "unused", forMs }] : [];
    }
  }
}

function ageFindings(
  { createdAt, expiresAt }: ListedKey,
  { everyMs, expiringMs }: AuditRules,
  now: EpochMs,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (everyMs !== undefined && createdAt !== undefined && now - createdAt >= everyMs) {
    findings.push({ kind: "old", ageMs: now - createdAt });
  }
  if (expiresAt === undefined) return findings;
  if (expiresAt <= now) findings.push({ kind: "expired" });
  else if (expiresAt - now <= expiringMs) findings.push({ kind: "expiring", inMs: expiresAt - now });
  return findings;
}
