import type { Reason } from "./reason.js";

/**
 * Why whoever calls was taken for nobody, or not for whom it would be. Few and fixed, because they are labels of a metric.
 *
 * `wrong_key`: an API key or admin token that is nobody's; `wrong_token`: at fault in another way than the four before;
 * `keys_away`: not to be judged now; `another`: claims, or means, another than was proved; `unknown`: sound, and the
 * policy makes no principal, role or workspace of it.
 */
export const DISTRUSTS = [
  "missing",
  "malformed",
  "wrong_key",
  "wrong_issuer",
  "wrong_audience",
  "wrong_signature",
  "expired",
  "wrong_token",
  "keys_away",
  "another",
  "unknown",
] as const;
export type Distrust = (typeof DISTRUSTS)[number];

/** Where calls come in. */
export type Door = "grpc" | "envoy" | "admin";

/** Say whether a denial is one of who calls; undefined where it is of what is asked. */
export function distrustIn(reason: Reason): Distrust | undefined {
  return UNKNOWN.has(reason) ? "unknown" : undefined;
}

const UNKNOWN: ReadonlySet<Reason> = new Set(["unknown_principal", "unknown_role", "unknown_workspace"]);
