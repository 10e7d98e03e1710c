import { badField } from "../app/fault.js";
import { faultInPrincipal } from "../app/forms.js";
import { falseClaim } from "../app/identify.js";
import type { Identity } from "../app/identity-ports.js";
import type { Policy } from "../domain/policy.js";

/** Take every caller for one listed principal: the sidecar of one service. */
export function fixedIdentity(id: string): Identity {
  return {
    whoIs(policy, named) {
      const listed = policy.principals.get(id);
      // A policy without this principal never comes into force (see faultInFixed).
      if (!listed) return badField("principal.id", `${id} is not in the policy`);
      return faultInPrincipal(named) ?? falseClaim(listed, named) ?? { id, role: "", workspace: "" };
    },
  };
}

/** Find why a policy cannot serve a fixed principal; undefined where it can. */
export function faultInFixed(policy: Policy, id: string): string | undefined {
  if (policy.principals.has(id)) return undefined;
  return `principals: ${id} is not listed, but --identity fixed:${id} makes it every caller; list it, or serve another identity`;
}
