import { checkAlerts } from "./check-alerts.js";
import { checkIdentity } from "./check-identity.js";
import { checkNames } from "./check-names.js";
import { checkReferences } from "./check-references.js";
import type { Problem } from "./faults.js";
import type { Suggest } from "./nearest.js";

/** Find what the schema does not see: names of the wrong form, and what refers to nothing. Paths start at the policy. */
export function checkPolicy(data: unknown, suggest: Suggest): readonly Problem[] {
  return [
    ...checkNames(data),
    ...checkReferences(data, suggest),
    ...checkIdentity(data, suggest),
    ...checkAlerts(data, suggest),
  ];
}
