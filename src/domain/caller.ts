import { isPerRequest, type Limit, type Metric, type Window } from "./limit.js";
import type { ListedPrincipal, Policy, Role, Workspace } from "./policy.js";

/** What all principals of one role in one workspace have in common; for a listed principal, what is its alone. */
export interface Standing {
  readonly organization: string;
  readonly workspace: Workspace;
  readonly role: Role;
  readonly listed: ListedPrincipal | undefined;
  /** Every limit that governs: organization, workspace, role, principal; in each by key. */
  readonly limits: readonly Limit[];
  /** Those of `limits` that each request is held against alone. */
  readonly perRequest: readonly Limit[];
  /** Those of `limits` that need a counter, in the same order. */
  readonly counted: readonly Limit[];
  /** The counters of `counted`, in its order; undefined where each principal has one of its own. */
  readonly sharedCounters: readonly (Counter | undefined)[];
  /** Whether a missing price must refuse. */
  readonly spendsMoney: boolean;
}

/** A principal as the policy resolved it. */
export interface Caller {
  readonly principal: string;
  readonly standing: Standing;
  /** One for each of `standing.counted`, in its order. */
  readonly counters: readonly Counter[];
}

/**
 * What is counted: a metric, in a window, of someone.
 *
 * Its key carries neither ceiling nor policy revision, so an edited ceiling keeps what was spent.
 */
export interface Counter {
  readonly key: string;
  readonly metric: Metric;
  readonly window: Window;
}

/** Gather what governs a role in a workspace, and a principal that the file names. */
export function standingOf(
  policy: Policy,
  workspace: Workspace,
  role: Role,
  listed: ListedPrincipal | undefined,
): Standing {
  const limits = [...policy.limits, ...workspace.limits, ...role.limits, ...(listed?.limits ?? [])];
  return standingUnder(limits, policy, workspace, role, listed);
}

/** The same with some limits only, for reading those. */
export function standingUnder(
  limits: readonly Limit[],
  policy: Policy,
  workspace: Workspace,
  role: Role,
  listed: ListedPrincipal | undefined,
): Standing {
  const counted = limits.filter((limit) => !isPerRequest(limit));
  return {
    organization: policy.organization,
    workspace,
    role,
    listed,
    limits,
    perRequest: limits.filter(isPerRequest),
    counted,
    sharedCounters: counted.map((limit) => {
      const key = sharedKey(limit, workspace.name, role.name);
      return key === undefined ? undefined : { key, metric: limit.metric, window: limit.window };
    }),
    spendsMoney: limits.some((limit) => limit.metric === "usd"),
  };
}

/** Name the counters that a principal of this standing is held against. */
export function callerOf(standing: Standing, principal: string): Caller {
  const counters = standing.counted.map(
    (limit, index) =>
      standing.sharedCounters[index] ?? {
        key: ownKey(limit, standing.workspace.name, standing.role.name, principal),
        metric: limit.metric,
        window: limit.window,
      },
  );
  return { principal, standing, counters };
}

/** Name the counter that a limit has for a principal of a role in a workspace, whether or not it governs that one. */
export function counterOf(limit: Limit, of: Pick<CounterName, "workspace" | "role" | "principal">): Counter {
  const { workspace, role, principal } = of;
  const key = sharedKey(limit, workspace, role) ?? ownKey(limit, workspace, role, principal);
  return { key, metric: limit.metric, window: limit.window };
}

/** Whose counter a limit reads: the organization, the workspace (also for a shared role), or the principal. */
export function scopeId(limit: Limit, standing: Standing, principal: string): string {
  switch (limit.scope) {
    case "organization":
      return standing.organization;
    case "workspace":
      return standing.workspace.name;
    case "role":
      return limit.shared ? standing.workspace.name : principal;
    case "principal":
      return principal;
  }
}

/** Names and ids hold no space, so a key that joins them by spaces means one thing only. */
function sharedKey(limit: Limit, workspace: string, role: string): string | undefined {
  if (limit.scope === "organization") return `organization ${limit.key}`;
  if (limit.scope === "workspace") return `workspace ${limit.key} ${workspace}`;
  return limit.shared ? `shared ${limit.key} ${workspace} ${role}` : undefined;
}

function ownKey(limit: Limit, workspace: string, role: string, principal: string): string {
  return limit.scope === "role"
    ? `role ${limit.key} ${workspace} ${role} ${principal}`
    : `principal ${limit.key} ${principal}`;
}

/** Whose counter a key names. */
export interface CounterName {
  /** The key of the limit: `tokens_per_day`. */
  readonly limitKey: string;
  readonly workspace: string;
  readonly role: string;
  readonly principal: string;
}

/** Read the key of a counter that one principal has for its role's limit; undefined for the key of any other. */
export function readRoleCounterKey(key: string): CounterName | undefined {
  const [scope, limitKey, workspace, role, principal] = key.split(" ");
  if (scope !== "role" || !limitKey || !workspace || !role || !principal) return undefined;
  return { limitKey, workspace, role, principal };
}
