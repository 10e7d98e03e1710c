import type { CallerName, Claimant } from "../../app/ports.js";
import type { Caller } from "../../domain/caller.js";

/** The caller of an account by its names. */
export function nameOf({ principal, standing }: Caller): CallerName {
  return { principal, role: standing.role.name, workspace: standing.workspace.name };
}

/** Whether who claims a reservation is somebody else than its owner, as far as it says. */
export function isForeign({ principal, role, workspace }: Claimant, owner: CallerName): boolean {
  return (
    (principal !== undefined && principal !== owner.principal) ||
    (role !== undefined && role !== owner.role) ||
    (workspace !== undefined && workspace !== owner.workspace)
  );
}
