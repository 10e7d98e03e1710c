import { type Caller, callerOf, type Standing, standingOf } from "../../src/domain/caller.js";
import type { Endpoint } from "../../src/domain/model.js";
import { type OpenPlan, planFor } from "../../src/domain/plan.js";
import type { Policy } from "../../src/domain/policy.js";

/** Who asks. */
export interface Who {
  readonly as?: string | undefined;
  readonly role?: string | undefined;
  readonly workspace?: string | undefined;
}

/** `ann`, a developer in dev, unless said otherwise; a listed principal has the policy's role and workspace. */
export function whoIs(policy: Policy, { as = "ann", role, workspace }: Who) {
  const listed = policy.principals.get(as);
  return {
    principal: as,
    role: role ?? listed?.role ?? "developer",
    workspace: workspace ?? listed?.workspace ?? "dev",
    listed,
  };
}

/** What governs someone. @throws Error where the policy does not know the role or workspace. */
export function standingIn(policy: Policy, who: Who = {}): Standing {
  const named = whoIs(policy, who);
  const workspace = policy.workspaces.get(named.workspace);
  const role = policy.roles.get(named.role);
  if (!workspace || !role) throw new Error(`the policy lacks workspace ${named.workspace} or role ${named.role}`);
  return standingOf(policy, workspace, role, named.listed);
}

/** Someone with the counters that hold it. */
export function callerIn(policy: Policy, who: Who = {}): Caller {
  return callerOf(standingIn(policy, who), whoIs(policy, who).principal);
}

/** The plan of a call that no rule refuses. @throws Error where one does. */
export function openPlanIn(policy: Policy, standing: Standing, model = "small", endpoint?: Endpoint): OpenPlan {
  const plan = planFor(policy, standing, model, endpoint);
  if (plan.kind === "refused") throw new Error(`the plan is refused: ${plan.message}`);
  return plan;
}
