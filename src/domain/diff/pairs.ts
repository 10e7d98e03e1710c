import { defaultCap } from "../plan.js";
import type { Policy } from "../policy.js";
import {
  type Change,
  type Difference,
  keyOf,
  type PairsConcerned,
  type Shown,
  settingDifference,
  shown,
} from "./change.js";
import { MAY_CALL_NOTHING, type MayCall, type MayCallComparison, type Permissions } from "./may-call.js";

/** A policy, and what its rules let people call. */
export interface Side {
  readonly policy: Policy;
  readonly permissions: Permissions;
}

/** Both policies. */
export interface Sides {
  readonly old: Side;
  readonly now: Side;
  readonly comparison: MayCallComparison;
}

/** What a role may call in a workspace; nothing where the policy lacks one of them. */
export function mayCallAs({ policy, permissions }: Side, role: string, workspace: string): MayCall {
  const [asRole, inWorkspace] = [policy.roles.get(role), policy.workspaces.get(workspace)];
  if (!asRole || !inWorkspace) return MAY_CALL_NOTHING;
  return permissions.of({ role: asRole, workspace: inWorkspace, listed: undefined });
}

/** Listed principals of one role in one workspace, for whom the change of the pair is their own. */
export interface PairMembers {
  /** By `role workspace`: how many gain and lose just what the pair does. */
  readonly alike: ReadonlyMap<string, number>;
  /** Pairs that have any listed principal. */
  readonly present: ReadonlySet<string>;
}

/** Name a pair. Neither name holds a space. */
export function pairKey(role: string, workspace: string): string {
  return `${role} ${workspace}`;
}

/**
 * Compare what each role may call in each workspace, and the cap that a request without one gets there.
 *
 * Where only listed principals can call, only pairs that have some are told of.
 */
export function pairChanges(sides: Sides, members: PairMembers): readonly Change[] {
  const { old, now } = sides;
  const isOpen = [old.policy, now.policy].some(
    ({ unlistedPrincipals, trust }) => unlistedPrincipals === "allow" || trust.length > 0,
  );
  const roles = union(old.policy.roles, now.policy.roles);
  const workspaces = union(old.policy.workspaces, now.policy.workspaces);
  // By object first: those of models are shared by all who are alike, and making keys takes its time.
  const found = new Map<Difference, Pair[]>();
  for (const role of roles) {
    for (const workspace of workspaces) {
      const key = pairKey(role, workspace);
      const isToldOf = isOpen || members.alike.has(key);
      const models = isToldOf ? modelDifferences(sides, role, workspace) : [];
      const caps = isOpen || members.present.has(key) ? capDifference(sides, role, workspace) : [];
      for (const difference of [...models, ...caps]) {
        const pairs = found.get(difference) ?? [];
        pairs.push({ role, workspace });
        found.set(difference, pairs);
      }
    }
  }
  return merged(found).flatMap(({ difference, pairs }) =>
    blocksOf(pairs).map((block) => ({
      ...difference,
      who: concerned(block, { roles, workspaces, members, difference }),
    })),
  );
}

interface Found {
  readonly difference: Difference;
  readonly pairs: Pair[];
}

function merged(found: ReadonlyMap<Difference, readonly Pair[]>): readonly Found[] {
  const groups = new Map<string, Found>();
  for (const [difference, pairs] of found) {
    const key = keyOf(difference);
    const group = groups.get(key) ?? { difference, pairs: [] };
    for (const pair of pairs) group.pairs.push(pair);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Of a role or a workspace that one policy lacks, all models are told of at once. */
function modelDifferences({ old, now, comparison }: Sides, role: string, workspace: string): readonly Difference[] {
  const [before, after] = [mayCallAs(old, role, workspace), mayCallAs(now, role, workspace)];
  const isThere = ({ policy }: Side) => policy.roles.has(role) && policy.workspaces.has(workspace);
  const [was, is] = [isThere(old), isThere(now)];
  if (was === is) return was ? comparison.between(before, after) : [];
  const ids = [...(is ? after : before).keys()];
  const all: Shown = { text: ids.length > MOST_NAMED ? `${ids.length} models` : ids.join(", "), value: ids };
  if (ids.length === 0) return [];
  const sides = { from: was ? all : undefined, to: is ? all : undefined };
  return [{ section: "models", effect: is ? "gains" : "loses", what: "may call", ...sides }];
}

const MOST_NAMED = 3;

function capDifference({ old, now }: Sides, role: string, workspace: string): readonly Difference[] {
  const cap = ({ policy }: Side) => {
    const [asRole, inWorkspace] = [policy.roles.get(role), policy.workspaces.get(workspace)];
    return asRole && inWorkspace && shown(defaultCap(policy, { role: asRole, workspace: inWorkspace }));
  };
  const [from, to] = [cap(old), cap(now)];
  return from && to ? settingDifference("settings", "default_max_output_tokens", from, to) : [];
}

interface Pair {
  readonly role: string;
  readonly workspace: string;
}

interface Block {
  readonly roles: readonly string[];
  readonly workspaces: readonly string[];
}

/** Cover pairs by as few blocks of roles x workspaces as the plainer of two ways finds. */
function blocksOf(pairs: readonly Pair[]): readonly Block[] {
  const byRole = alikeIn(pairs, "role", "workspace").map(([roles, workspaces]) => ({ roles, workspaces }));
  const byWorkspace = alikeIn(pairs, "workspace", "role").map(([workspaces, roles]) => ({ roles, workspaces }));
  return byWorkspace.length < byRole.length ? byWorkspace : byRole;
}

function alikeIn(pairs: readonly Pair[], by: keyof Pair, other: keyof Pair) {
  const others = new Map<string, string[]>();
  for (const pair of pairs) others.set(pair[by], [...(others.get(pair[by]) ?? []), pair[other]]);
  const groups = new Map<string, [string[], readonly string[]]>();
  for (const [name, list] of others) {
    const key = list.sort().join(" ");
    const group = groups.get(key) ?? [[], list];
    group[0].push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

interface Around {
  readonly roles: readonly string[];
  readonly workspaces: readonly string[];
  readonly members: PairMembers;
  readonly difference: Difference;
}

function concerned(block: Block, { roles, workspaces, members, difference }: Around): PairsConcerned {
  const count = (role: string, workspace: string) => members.alike.get(pairKey(role, workspace)) ?? 0;
  const sum = block.roles.reduce(
    (all, role) => all + block.workspaces.reduce((some, workspace) => some + count(role, workspace), 0),
    0,
  );
  return {
    kind: "pairs",
    ...block,
    isEveryRole: block.roles.length === roles.length && roles.length > 1,
    isEveryWorkspace: block.workspaces.length === workspaces.length && workspaces.length > 1,
    listed: difference.section === "models" ? sum : 0,
  };
}

function union(old: ReadonlyMap<string, unknown>, now: ReadonlyMap<string, unknown>): readonly string[] {
  return [...new Set([...old.keys(), ...now.keys()])].sort();
}
