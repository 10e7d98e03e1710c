import { formatUsd } from "../explain.js";
import type { Limit } from "../limit.js";
import type { Policy } from "../policy.js";
import { type Change, type Difference, type Effect, named, type Shown } from "./change.js";

/** Compare the limits of the organization, the workspaces and the roles. Those of principals are told with them. */
export function limitChanges(old: Policy, now: Policy): readonly Change[] {
  const scopes = (policy: Policy): ReadonlyMap<string, readonly Limit[]> =>
    new Map([
      ["organization", policy.limits],
      ...Array.from(policy.workspaces.values(), ({ name, limits }) => [`workspaces.${name}`, limits] as const),
      ...Array.from(policy.roles.values(), ({ name, limits }) => [`roles.${name}`, limits] as const),
    ]);
  const [before, after] = [scopes(old), scopes(now)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((scope) =>
    limitDifferences(before.get(scope) ?? [], after.get(scope) ?? []).map((difference) => ({
      ...difference,
      // What comes or goes with its whole role or workspace holds nobody more or less than before.
      effect: before.has(scope) && after.has(scope) ? difference.effect : "changes",
      who: named(scope),
    })),
  );
}

/** Compare the limits of one scope. */
export function limitDifferences(old: readonly Limit[], now: readonly Limit[]): readonly Difference[] {
  if (old.length === 0 && now.length === 0) return [];
  const byKey = (limits: readonly Limit[]) => new Map(limits.map((limit) => [limit.key, limit]));
  const [before, after] = [byKey(old), byKey(now)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((what): readonly Difference[] => {
    const [from, to] = [before.get(what), after.get(what)];
    const [was, is] = [from && shownLimit(from, to), to && shownLimit(to, from)];
    if (was?.text === is?.text) return [];
    return [{ section: "limits", effect: effectOf(from, to), what, from: was, to: is }];
  });
}

/** A limit that only counts holds nobody back, and one that is shared holds each back the more. */
function effectOf(from: Limit | undefined, to: Limit | undefined): Effect {
  const bound = (limit: Limit | undefined) => (!limit || limit.shadow ? Number.POSITIVE_INFINITY : limit.ceiling);
  const sharing = (limit: Limit | undefined) => (limit?.shared ? 1 : 0);
  const byCeiling = Math.sign(bound(to) - bound(from) || 0);
  const isHeld = bound(from) < Number.POSITIVE_INFINITY && bound(to) < Number.POSITIVE_INFINITY;
  const bySharing = isHeld ? sharing(from) - sharing(to) : 0;
  const direction = byCeiling + bySharing;
  if (byCeiling * bySharing < 0 || direction === 0) return "changes";
  return direction > 0 ? "gains" : "loses";
}

/** With what differs from the other one, besides the ceiling. */
function shownLimit(limit: Limit, other: Limit | undefined): Shown {
  const { ceiling, shadow, shared, httpStatus } = limit;
  const parts = [
    amountText(limit),
    ...(shadow ? ["in shadow"] : []),
    ...(shared ? ["shared"] : []),
    ...(other && other.httpStatus !== httpStatus ? [`status ${httpStatus}`] : []),
  ];
  const value = {
    ceiling: String(ceiling),
    on_exceed: shadow ? "shadow" : "deny",
    shared_by: shared ? "role" : "principal",
    status: httpStatus,
  };
  return { text: parts.join(", "), value };
}

/** Write a ceiling; what it counts stands in the limit's key. */
export function amountText({ metric, ceiling }: Limit): string {
  return metric === "usd" ? formatUsd(ceiling) : ceiling.toLocaleString("en-US");
}
