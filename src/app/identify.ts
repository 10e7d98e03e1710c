import type { ListedPrincipal, Policy } from "../domain/policy.js";
import { badField, distrusted, type Fault } from "./fault.js";
import { faultInId, faultInPrincipal, type PrincipalName } from "./forms.js";
import type { Evidence, Identity } from "./identity-ports.js";
import { type Refused, refused } from "./refused.js";
import type { Resolved, Snapshot } from "./snapshot.js";

/** Who asks: resolved, refused by a rule of the policy, or not to be told from the message. */
export type Identified = Resolved | Refused | Fault;

/** Say who asks, by what the message names and what the door gathered, and find that caller in the policy. */
export function whoAsks(
  identity: Identity,
  snapshot: Snapshot,
  named: PrincipalName,
  evidence: Evidence | undefined,
): Identified {
  const name = identity.whoIs(snapshot.policy, named, evidence);
  return "kind" in name ? name : identify(snapshot, name);
}

/**
 * Find why what a door gathered proves nobody, whatever is asked; undefined where it proves somebody, whom the policy may
 * still refuse. For a door that looks once at who is there, and is then asked often.
 */
export function faultInEvidence(
  identity: Identity,
  { policy }: Snapshot,
  evidence: Evidence | undefined,
): Fault | undefined {
  const name = identity.whoIs(policy, NOBODY, evidence);
  return "kind" in name && name.kind === "fault" ? name : undefined;
}

const NOBODY: PrincipalName = { id: "", role: "", workspace: "" };

/** Find a caller in the policy by what is known of it. Listed principals may leave role and workspace empty. */
export function identify(snapshot: Snapshot, name: PrincipalName): Identified {
  const { policy } = snapshot;
  const listed = policy.principals.get(name.id);
  if (listed) return identifyListed(snapshot, listed, name);
  if (policy.unlistedPrincipals === "allow" || name.isProved) {
    const known = snapshot.known(name.workspace, name.role, name.id);
    if (known) return known;
  }
  const misnamed = faultInId("principal.id", name.id) ?? faultInPrincipal(name);
  if (misnamed) return misnamed;
  return identifyUnlisted(snapshot, name);
}

/** What a name is not allowed to claim of a listed principal; undefined where it claims nothing false. */
export function falseClaim(listed: ListedPrincipal, { id, role, workspace }: PrincipalName): Fault | undefined {
  if (id !== "" && id !== listed.name) return denied("id", id, listed);
  if (role !== "" && role !== listed.role) return denied("role", role, listed);
  if (workspace !== "" && workspace !== listed.workspace) return denied("workspace", workspace, listed);
  return undefined;
}

function denied(part: string, claimed: string, listed: ListedPrincipal): Fault {
  return distrusted(
    "permission_denied",
    "another",
    `principal.${part}: ${claimed} is not what the policy says of ${listed.name}; leave it empty or name the policy's own`,
  );
}

function identifyListed(snapshot: Snapshot, listed: ListedPrincipal, name: PrincipalName): Identified {
  const claim = faultInPrincipal(name) ?? falseClaim(listed, name);
  if (claim) return claim;
  const known = snapshot.known(listed.workspace, listed.role, listed.name);
  if (known) return known;
  return lookUp(snapshot, { id: listed.name, role: listed.role, workspace: listed.workspace }, listed);
}

function identifyUnlisted(snapshot: Snapshot, name: PrincipalName): Identified {
  if (snapshot.policy.unlistedPrincipals === "deny" && !name.isProved) {
    return refused(
      "unknown_principal",
      `principal ${name.id} is not in the policy, which denies those it does not list`,
    );
  }
  if (name.role === "") return missing("principal.role", name.id);
  if (name.workspace === "") return missing("principal.workspace", name.id);
  return lookUp(snapshot, name, undefined);
}

function missing(field: string, id: string): Fault {
  return badField(field, `is required, because the policy does not list principal ${id}`);
}

function lookUp(snapshot: Snapshot, name: PrincipalName, listed: ListedPrincipal | undefined): Identified {
  const { policy } = snapshot;
  const role = policy.roles.get(name.role);
  if (!role) return refused("unknown_role", `role ${name.role} is not in the policy; ${oneOf(policy.roles)}`);
  const workspace = policy.workspaces.get(name.workspace);
  if (!workspace) {
    return refused(
      "unknown_workspace",
      `workspace ${name.workspace} is not in the policy; ${oneOf(policy.workspaces)}`,
    );
  }
  return snapshot.resolve({ principal: name.id, workspace, role, listed });
}

function oneOf(known: Policy["roles"] | Policy["workspaces"]): string {
  return known.size === 0
    ? "it has none"
    : `it has ${[...known.keys()].slice(0, 8).join(", ")}${known.size > 8 ? ", …" : ""}`;
}
