import type { ListedPrincipal } from "../policy.js";
import { type Change, type Difference, keyOf, settingDifference, shown } from "./change.js";
import { credentialDifferences, credentialsByPrincipal } from "./credentials.js";
import { amountText, limitDifferences } from "./limits.js";
import { MAY_CALL_NOTHING, type MayCall } from "./may-call.js";
import { mayCallAs, type PairMembers, pairKey, type Side, type Sides } from "./pairs.js";

/** What changes for listed principals, those alike told together; and who changes just as their role and workspace do. */
export interface PrincipalChanges {
  readonly changes: readonly Change[];
  readonly members: PairMembers;
}

/** Compare listed principals. */
export function principalChanges(sides: Sides): PrincipalChanges {
  const { old, now } = sides;
  const groups = new Groups();
  const alike = new Map<string, number>();
  const present = new Set<string>();
  const proofs = [credentialsByPrincipal(old.policy), credentialsByPrincipal(now.policy)] as const;
  for (const id of [...new Set([...old.policy.principals.keys(), ...now.policy.principals.keys()])].sort()) {
    const [before, after] = [old.policy.principals.get(id), now.policy.principals.get(id)];
    const listed = after ?? before;
    if (!listed) continue;
    const pair = pairKey(listed.role, listed.workspace);
    present.add(pair);
    if (!before || !after) {
      groups.add(listed, [listing(before, after, sides)]);
    } else {
      const isAsPair = isLikePair(sides, before, after);
      if (isAsPair) alike.set(pair, (alike.get(pair) ?? 0) + 1);
      groups.add(listed, [
        ...ownDifferences(before, after),
        ...(isAsPair ? [] : modelDifferences(sides, before, after)),
      ]);
    }
    groups.add(listed, credentialDifferences(proofs[0].get(id), proofs[1].get(id)));
  }
  return { changes: groups.changes(), members: { alike, present } };
}

function listing(
  before: ListedPrincipal | undefined,
  after: ListedPrincipal | undefined,
  { old, now }: Sides,
): Difference {
  // Whoever may also call unlisted loses nothing by not being listed but the rules of its own.
  const isOpen = (after ? old : now).policy.unlistedPrincipals === "allow";
  const effect = isOpen ? "changes" : after ? "gains" : "loses";
  const told = (one: ListedPrincipal | undefined) => one && shown(standingText(one));
  return { section: "principals", effect, what: "listed", from: told(before), to: told(after) };
}

function standingText({ role, workspace, limits, disabled }: ListedPrincipal): string {
  const own = limits.map((limit) => `${limit.key} ${amountText(limit)}`);
  return [`${role} in ${workspace}`, ...own, ...(disabled ? ["disabled"] : [])].join(", ");
}

function ownDifferences(before: ListedPrincipal, after: ListedPrincipal): readonly Difference[] {
  const setting = (what: string, from: string, to: string) =>
    settingDifference("principals", what, shown(from), shown(to));
  const yesNo = (one: ListedPrincipal) => (one.disabled ? "yes" : "no");
  const disabled = setting("disabled", yesNo(before), yesNo(after));
  return [
    ...setting("role", before.role, after.role),
    ...setting("workspace", before.workspace, after.workspace),
    ...disabled.map((one) => ({ ...one, effect: after.disabled ? ("loses" as const) : ("gains" as const) })),
    ...limitDifferences(before.limits, after.limits),
  ];
}

/** That a disabled principal may call nothing need not be told model by model. */
function modelDifferences(sides: Sides, before: ListedPrincipal, after: ListedPrincipal): readonly Difference[] {
  if (before.disabled !== after.disabled) return [];
  return sides.comparison.between(mayCallOf(sides.old, before), mayCallOf(sides.now, after));
}

function isLikePair({ old, now, comparison }: Sides, before: ListedPrincipal, after: ListedPrincipal): boolean {
  const { role, workspace } = after;
  if (before.role !== role || before.workspace !== workspace || before.disabled || after.disabled) return false;
  const own = comparison.between(mayCallOf(old, before), mayCallOf(now, after));
  const pair = comparison.between(mayCallAs(old, role, workspace), mayCallAs(now, role, workspace));
  if (own === pair) return own.length > 0;
  return own.length > 0 && own.length === pair.length && own.every((one, index) => sameAs(one, pair[index]));
}

function sameAs(one: Difference, other: Difference | undefined): boolean {
  return other !== undefined && keyOf(one) === keyOf(other);
}

function mayCallOf({ policy, permissions }: Side, listed: ListedPrincipal): MayCall {
  const [role, workspace] = [policy.roles.get(listed.role), policy.workspaces.get(listed.workspace)];
  return role && workspace ? permissions.of({ role, workspace, listed }) : MAY_CALL_NOTHING;
}

interface Group {
  readonly difference: Difference;
  readonly ids: string[];
  readonly roles: Set<string>;
  readonly workspaces: Set<string>;
  /** What each of them has of its own, where that differs. */
  readonly values: { readonly from: unknown[]; readonly to: unknown[] };
  isEachItsOwn: boolean;
}

/** Principals by what changes for them. */
class Groups {
  readonly #groups = new Map<string, Group>();

  add({ name, role, workspace }: ListedPrincipal, differences: readonly Difference[]): void {
    for (const difference of differences) {
      const { section, effect, what, from, to } = difference;
      const isCredential = section === "identity";
      const key = isCredential ? `${effect} ${what}` : keyOf(difference);
      const group = this.#groups.get(key) ?? newGroup(difference);
      this.#groups.set(key, group);
      if (group.ids.at(-1) !== name) group.ids.push(name);
      group.roles.add(role);
      group.workspaces.add(workspace);
      if (!isCredential) continue;
      // No two principals have the same one, and thousands may get a new one at once.
      group.values.from.push(from?.value);
      group.values.to.push(to?.value);
      group.isEachItsOwn ||= group.difference.from?.value !== from?.value || group.difference.to?.value !== to?.value;
    }
  }

  changes(): readonly Change[] {
    return Array.from(this.#groups.values(), ({ difference, ids, roles, workspaces, values, isEachItsOwn }): Change => {
      const { from, to } = difference;
      return {
        ...difference,
        from: from && (isEachItsOwn ? { text: "each its own", value: values.from } : from),
        to: to && (isEachItsOwn ? { text: "each its own", value: values.to } : to),
        who: { kind: "principals", ids, roles: [...roles].sort(), workspaces: [...workspaces].sort() },
      };
    });
  }
}

function newGroup(difference: Difference): Group {
  const values = { from: [], to: [] };
  return { difference, ids: [], roles: new Set(), workspaces: new Set(), values, isEachItsOwn: false };
}
