import type { Desk } from "../app/desk.js";
import { readBudgets } from "../app/read-budgets.js";
import { readPrincipal } from "../app/read-principal.js";
import type { EpochMs } from "../domain/units.js";
import type { LivePolicy } from "../policy/live-policy.js";
import type { Activity } from "../telemetry/activity/activity.js";
import type { OperationsSource, PolicyFacts } from "../transport/operations-source.js";
import { VERSION } from "../version.js";

export interface Operations {
  readonly desk: Desk;
  readonly activity: Activity;
  readonly startedAt: EpochMs;
  /** undefined: no policy is in force yet. */
  readonly live: () => LivePolicy | undefined;
}

/** What the operations page is shown of a running service. */
export function operationsSource({ desk, activity, startedAt, live }: Operations): OperationsSource {
  return {
    overview: () => ({ version: VERSION, now: desk.clock.now(), startedAt, policy: policyFacts(live()) }),
    rates: (span) => activity.rates(span),
    denials: (after) => activity.denials(after),
    budgets: () => readBudgets(desk),
    principal: async ({ principal, role, workspace }) => {
      const met = activity.of(principal);
      const isListed = desk.snapshot().policy.principals.has(principal);
      // A listed principal is what the policy says now, whatever it was when it was met.
      const last = isListed ? undefined : met?.caller;
      const name = { principal, role: role || (last?.role ?? ""), workspace: workspace || (last?.workspace ?? "") };
      return { ...(await readPrincipal(desk, name)), history: met?.events ?? [] };
    },
  };
}

function policyFacts(live: LivePolicy | undefined): PolicyFacts | undefined {
  if (!live) return undefined;
  const { organization, timezone } = live.current();
  const { loadedAt, reloads } = live.state();
  return { organization, timezone, loadedAt, reloads };
}
