import { isPerRequest } from "../domain/limit.js";
import type { Policy } from "../domain/policy.js";

const MOST_NAMED = 12;

/** What a restart costs the operator, said before it happens. */
export function forgotten(policy: Policy): string {
  const names = [...policy.workspaces.values(), ...policy.roles.values(), ...policy.principals.values()]
    .flatMap(({ limits }) => limits)
    .concat(policy.limits)
    .filter((limit) => !isPerRequest(limit))
    .map(({ name }) => name);
  const shown = names.slice(0, MOST_NAMED).join(", ");
  const rest = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  const forgets =
    names.length === 0 ? "no limit of this policy, none of which needs one" : `what was used of ${shown}${rest}`;
  return `counters live in this process: a restart forgets ${forgets}`;
}
