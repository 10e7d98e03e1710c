import type { Caller } from "../domain/caller.js";
import type { Endpoint } from "../domain/model.js";
import type { AuthorizeCall } from "./authorize.js";
import type { Decision } from "./decision.js";
import type { Decided, Question, Settled } from "./decision-log.js";
import type { Fault } from "./fault.js";
import type { PrincipalName } from "./forms.js";
import type { CallerName, Grant } from "./ports.js";
import type { Recorded } from "./record-usage.js";
import type { Facts } from "./tracing.js";
import type { RecordUsageCall } from "./usage-report.js";

/** What OpenTelemetry calls that which an endpoint does; where it has no word, the endpoint's own name stands. */
const OPERATION: Partial<Readonly<Record<Endpoint, string>>> = {
  chat_completions: "chat",
  fim_completions: "text_completion",
  embeddings: "embeddings",
  agents_completions: "invoke_agent",
  conversations: "chat",
};

const PROVIDER: Facts = { "gen_ai.provider.name": "mistral_ai" };

/** Of an endpoint; none where it is not known yet. */
export function operationOf(endpoint: Endpoint | undefined): Facts {
  return endpoint === undefined ? {} : { "gen_ai.operation.name": OPERATION[endpoint] ?? endpoint };
}

/** Of a question as it came, before it is known whether its form is right. */
export function questionFacts({ principal, ...question }: AuthorizeCall): Facts {
  return { ...claimedFacts(principal), ...askedFacts(question) };
}

function askedFacts({ requestId, model, endpoint, request }: Question): Facts {
  return {
    ...PROVIDER,
    ...operationOf(endpoint),
    "gen_ai.request.model": model,
    "gen_ai.request.max_tokens": request.maxOutputTokens || undefined,
    "windbreak.request_id": requestId || undefined,
  };
}

/** Of the answer to a question. */
export function decisionFacts(decision: Decision): Facts {
  switch (decision.kind) {
    case "allowed": {
      const { grant, degraded } = decision;
      return {
        ...grantFacts(grant),
        "windbreak.degraded": degraded,
        "windbreak.shadow_denials": grant.shadowDenials.length > 0 ? grant.shadowDenials : undefined,
      };
    }
    case "denied": {
      const { requestId, policyRevision, limits, retryAfterMs, shadowDenials } = decision;
      return {
        "windbreak.request_id": requestId || undefined,
        "windbreak.policy_revision": policyRevision,
        "windbreak.limit": limits[0]?.limit.name,
        "windbreak.retry_after_ms": retryAfterMs,
        "windbreak.shadow_denials": shadowDenials.length > 0 ? shadowDenials : undefined,
      };
    }
  }
}

function grantFacts({ requestId, reservationId, cost, policyRevision }: Grant): Facts {
  return {
    "windbreak.request_id": requestId || undefined,
    "windbreak.reservation_id": reservationId || undefined,
    "windbreak.cost_nano_usd": cost,
    "windbreak.policy_revision": policyRevision,
  };
}

/** Of a report of usage, as it was made. */
export function reportFacts({ reservationId, requestId, principal, model, outcome }: RecordUsageCall): Facts {
  return {
    ...PROVIDER,
    ...claimedFacts(principal),
    "gen_ai.request.model": model || undefined,
    "windbreak.reservation_id": reservationId || undefined,
    "windbreak.request_id": requestId || undefined,
    "windbreak.outcome": outcome,
  };
}

/** Of what was recorded. */
export function recordedFacts({ cost, already, unreserved, limits, policyRevision }: Recorded): Facts {
  return {
    "windbreak.cost_nano_usd": cost,
    "windbreak.already_recorded": already || undefined,
    "windbreak.unreserved": unreserved || undefined,
    "windbreak.limit": limits[0]?.limit.name,
    "windbreak.policy_revision": policyRevision,
  };
}

/** Of a decision, at whatever door. */
export function decidedFacts({ question, caller, endpoint, ...decided }: Decided): Facts {
  const { reason, workspace, model, degraded, dryRun } = decided;
  return {
    ...(question && askedFacts(question)),
    ...operationOf(endpoint),
    ...nameFacts(caller),
    ...(workspace !== undefined && { "windbreak.workspace": workspace }),
    "windbreak.reason": reason,
    "windbreak.model": model,
    "windbreak.degraded": degraded,
    "windbreak.dry_run": dryRun || undefined,
  };
}

/** Of what was charged, the first time only: a repeat charges nothing. */
export function settledFacts({ workspace, model, amounts }: Settled): Facts {
  return {
    "windbreak.workspace": workspace,
    "windbreak.model": model,
    "gen_ai.usage.input_tokens": amounts.inputTokens,
    "gen_ai.usage.output_tokens": amounts.outputTokens,
  };
}

/** Of a caller that the policy knows. */
export function callerFacts({ principal, standing }: Caller): Facts {
  return nameFacts({ principal, role: standing.role.name, workspace: standing.workspace.name });
}

/** Of who is known; parts that are not are empty. */
export function nameFacts({ principal, role, workspace }: CallerName): Facts {
  return claimedFacts({ id: principal, role, workspace });
}

/** What a caller says of itself: whoever is found in its place is told later. */
export function claimedFacts({ id, role, workspace }: PrincipalName): Facts {
  return {
    "windbreak.principal": id || undefined,
    "windbreak.role": role || undefined,
    "windbreak.workspace": workspace || undefined,
  };
}

/** Of why nothing was decided. Not its message, which repeats what a caller sent. */
export function faultFacts({ code }: Fault): Facts {
  return { "windbreak.fault": code };
}
