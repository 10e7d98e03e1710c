import { formatDuration } from "../duration.js";
import type { Policy, Workspace } from "../policy.js";
import type { SecretPlace } from "../secret-place.js";
import {
  type Change,
  type Difference,
  keyOf,
  named,
  type Shown,
  settingDifference,
  shown,
  shownList,
} from "./change.js";

/** Compare what is said of the whole policy, and what comes of it in each workspace that both have. */
export function settingChanges(old: Policy, now: Policy): readonly Change[] {
  const policy = (what: string, of: (policy: Policy) => string) =>
    settingDifference("settings", what, shown(of(old)), shown(of(now)));
  const whole = [
    ...policy("organization", ({ organization }) => organization),
    ...policy("timezone", ({ timezone }) => timezone),
    ...policy("unlisted_principals", ({ unlistedPrincipals }) => unlistedPrincipals).map((one) => ({
      ...one,
      effect: now.unlistedPrincipals === "allow" ? ("gains" as const) : ("loses" as const),
    })),
  ];
  return [
    ...whole.map((difference) => ({ ...difference, who: named("policy") })),
    ...presence("workspaces", old.workspaces, now.workspaces),
    ...presence("roles", old.roles, now.roles),
    ...workspaceChanges(old, now),
  ];
}

function presence(
  of: "workspaces" | "roles",
  old: ReadonlyMap<string, unknown>,
  now: ReadonlyMap<string, unknown>,
): readonly Change[] {
  const there = shown("yes");
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names
    .filter((name) => old.has(name) !== now.has(name))
    .map((name) => ({
      section: "settings",
      effect: "changes",
      who: named(`${of}.${name}`),
      what: "defined",
      from: old.has(name) ? there : undefined,
      to: now.has(name) ? there : undefined,
    }));
}

/** What is the same for several workspaces is told once: a default may have moved for all. */
function workspaceChanges(old: Policy, now: Policy): readonly Change[] {
  const both = [...old.workspaces.keys()].filter((name) => now.workspaces.has(name)).sort();
  const groups = new Map<string, { readonly difference: Difference; readonly names: string[] }>();
  for (const name of both) {
    const [before, after] = [old.workspaces.get(name), now.workspaces.get(name)];
    for (const difference of before && after ? workspaceDifferences(before, after) : []) {
      const key = keyOf(difference);
      const group = groups.get(key) ?? { difference, names: [] };
      group.names.push(name);
      groups.set(key, group);
    }
  }
  return Array.from(groups.values(), ({ difference, names }): Change => {
    const isEvery = names.length === both.length && both.length > 1;
    return { ...difference, who: { kind: "named", names: names.map(prefixed), of: "workspace", isEvery } };
  });
}

function prefixed(name: string): string {
  return `workspaces.${name}`;
}

function workspaceDifferences(before: Workspace, after: Workspace): readonly Difference[] {
  const setting = (what: string, of: (workspace: Workspace) => Shown | undefined) =>
    settingDifference("settings", what, of(before), of(after));
  return [
    ...setting("on_store_failure", ({ onStoreFailure }) => shown(onStoreFailure)),
    ...setting("unsettled", ({ unsettled }) => shown(unsettled)),
    ...setting("reservation_ttl", ({ reservationTtlMs }) => ({
      text: formatDuration(reservationTtlMs),
      value: reservationTtlMs,
    })),
    ...setting("price_factor", ({ priceFactor: { numerator, denominator } }) =>
      shown(Number(numerator) / Number(denominator)),
    ),
    ...setting("unbounded", ({ unbounded }) => shownList(unbounded)),
    ...setting("upstream_key", ({ upstreamKey }) => upstreamKey && shown(placeText(upstreamKey))),
  ];
}

function placeText(place: SecretPlace): string {
  return place.kind === "file" ? `file ${place.path}` : `env ${place.name}`;
}
