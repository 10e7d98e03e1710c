import type { PrincipalName } from "../app/forms.js";
import type { Identity } from "../app/identity-ports.js";

/** Take callers at their word. Safe only where whoever can reach the listener is trusted. */
export function declaredIdentity(): Identity {
  return { whoIs: (_policy, named: PrincipalName) => named };
}
