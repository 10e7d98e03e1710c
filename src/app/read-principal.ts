import type { Desk } from "./desk.js";
import { identify } from "./identify.js";
import { type LimitReport, reportAll } from "./limit-report.js";
import type { CallerName } from "./ports.js";

/** A principal whom an operator looks at. */
export interface PrincipalRead {
  readonly who: CallerName;
  /** Whether the policy names it. */
  readonly isListed: boolean;
  /** Every limit that governs it; where they cannot be told, why, for a person. */
  readonly limits: readonly LimitReport[] | { readonly why: string };
}

/**
 * Read the limits that govern a principal, whoever asks. Changes nothing.
 *
 * @param name role and workspace may be empty for a principal that the policy lists; where they are not the policy's own,
 *   no limits are told.
 */
export async function readPrincipal(desk: Desk, name: CallerName): Promise<PrincipalRead> {
  const snapshot = desk.snapshot();
  const isListed = snapshot.policy.principals.has(name.principal);
  const { principal: id, role, workspace } = name;
  // An operator's word is taken, as a proof would be: also where the policy lets nobody in whom it does not list.
  const found = identify(snapshot, { id, role, workspace, isProved: true });
  if (found.kind === "fault") return { who: name, isListed, limits: { why: found.message } };
  if (found.kind === "refused") return { who: name, isListed, limits: { why: found.refusal.message } };

  const { who, account } = found;
  const readings = await desk.store.read(account, snapshot.calendar, desk.clock.now());
  if ("kind" in readings) return { who, isListed, limits: { why: "the counter store did not answer; ask again" } };
  return { who, isListed, limits: reportAll(account.caller, readings) };
}
