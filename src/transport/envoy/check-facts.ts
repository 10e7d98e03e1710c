import { decisionFacts } from "../../app/trace-facts.js";
import type { Facts } from "../../app/tracing.js";
import type { CheckAnswer } from "./check-answer.js";

/** What a trace tells of an answer to Envoy. */
export function checkFacts(answer: CheckAnswer): Facts {
  switch (answer.kind) {
    case "admitted":
      return decisionFacts(answer.decision);
    case "passed":
      return { "windbreak.policy_revision": answer.policyRevision };
    case "rejected": {
      const { httpStatus, reason, code, limits, retryAfterMs, requestId, policyRevision } = answer;
      return {
        "windbreak.http_status": httpStatus,
        "windbreak.reason": reason,
        "windbreak.fault": reason === undefined ? code : undefined,
        "windbreak.limit": limits?.[0]?.limit.name,
        "windbreak.retry_after_ms": retryAfterMs,
        "windbreak.request_id": requestId || undefined,
        "windbreak.policy_revision": policyRevision,
      };
    }
  }
}
