import { isPerRequest, type Limit } from "../domain/limit.js";
import type { Desk } from "./desk.js";
import { type ListedLimit, readSharedLimits } from "./list-limits.js";
import type { Away } from "./ports.js";

/** The budgets whose number is bounded by the policy's shape. */
export interface Budgets {
  readonly policyRevision: string;
  /** As they stand: of the organization, of workspaces, and those that a role's principals share. */
  readonly shared: readonly ListedLimit[];
  /** Those that each principal of a role has for itself, which stand differently for each. */
  readonly ofEach: readonly RoleLimit[];
}

export interface RoleLimit {
  readonly role: string;
  readonly limit: Limit;
}

/** Read every budget that many share, and name those that each principal of a role has. */
export async function readBudgets(desk: Desk): Promise<Budgets | Away> {
  const { policy } = desk.snapshot();
  const shared = await readSharedLimits(desk);
  if ("kind" in shared) return shared;
  const ofEach = [...policy.roles.values()].flatMap(({ name: role, limits }) =>
    limits.filter((limit) => !limit.shared && !isPerRequest(limit)).map((limit) => ({ role, limit })),
  );
  return { policyRevision: policy.revision, shared, ofEach };
}
