import type { Budgets, LimitRow, RoleLimit } from "./answers.js";

/** A budget that is shown as one bar. */
export interface Budget {
  readonly key: string;
  readonly title: string;
  /** What kind of thing the title names. */
  readonly kind: string;
  readonly limit: LimitRow;
  /** Of a limit that each principal has for itself: it is shown for the one whose budget is fullest. */
  readonly fullest?: Fullest;
}

export interface Fullest {
  /** Empty: nobody has used any. */
  readonly principal: string;
  readonly role: string;
  readonly workspace: string;
  /** How many principals stand under it, as far as they were read. */
  readonly among: number;
}

/** How full a budget is: 1 is full. A ceiling of 0 refuses always. */
export function fullness({ ceiling, used, reserved }: Pick<LimitRow, "ceiling" | "used" | "reserved">): number {
  return Number(ceiling) === 0 ? 1 : (Number(used) + Number(reserved)) / Number(ceiling);
}

/** One bar for each budget of the organization, of a workspace and of a role, the fullest first. */
export function budgetsToShow({ limits, of_each_principal: ofEach }: Budgets, all: readonly LimitRow[]): Budget[] {
  const own = new Map<string, LimitRow[]>();
  for (const row of all) {
    const rows = own.get(row.name);
    if (rows) rows.push(row);
    else if (row.principal !== "") own.set(row.name, [row]);
  }
  const shown = [...limits.map(sharedBudget), ...ofEach.map((limit) => roleBudget(limit, own.get(limit.name) ?? []))];
  return shown.sort(byFullness);
}

/** Limits that govern one principal, the fullest first. */
export function limitsToShow(limits: readonly LimitRow[]): Budget[] {
  return limits.map(sharedBudget).sort(byFullness);
}

/** By whole percents, so that bars do not change places with each call. */
function byFullness(left: Budget, right: Budget): number {
  const percents = ({ limit }: Budget) => Math.floor(fullness(limit) * 100);
  return percents(right) - percents(left) || (left.key < right.key ? -1 : 1);
}

function sharedBudget(limit: LimitRow): Budget {
  // What a principal is called may have dots in it.
  const [, scope = "", name = ""] = /^(\w+)\.(?:(.+)\.)?[^.]+$/.exec(limit.name) ?? [];
  const key = `${limit.name} ${limit.scope_id}`;
  const isOwn = limit.scope_id === limit.principal;
  switch (scope) {
    case "workspaces":
      return { key, title: name, kind: "workspace", limit };
    case "roles":
      return { key, title: name, kind: isOwn ? "role" : `role, shared in ${limit.scope_id}`, limit };
    case "principals":
      return { key, title: name, kind: "principal", limit };
    default:
      return { key, title: limit.scope_id, kind: "organization", limit };
  }
}

function roleBudget({ role, ...limit }: RoleLimit, rows: readonly LimitRow[]): Budget {
  const first = rows.reduce<LimitRow | undefined>(
    (best, row) => (best && fullness(best) >= fullness(row) ? best : row),
    undefined,
  );
  const unused: LimitRow = { ...limit, used: "0", reserved: "0", scope_id: "", workspace: "", principal: "" };
  return {
    key: limit.name,
    title: role,
    kind: "role, each principal",
    limit: first ?? unused,
    fullest: { principal: first?.principal ?? "", role, workspace: first?.workspace ?? "", among: rows.length },
  };
}
