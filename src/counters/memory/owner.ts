import type { CallerName, Claimant } from "../../app/ports.js";

/** Anything that holds a caller's names where a Caller holds them. */
export interface Named {
  readonly principal: string;
  readonly standing: { readonly role: { readonly name: string }; readonly workspace: { readonly name: string } };
}

/** The caller of an account by its names. */
export function nameOf({ principal, standing }: Named): CallerName {
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
