import type { Question } from "../../app/decision-log.js";
import type { Desk } from "../../app/desk.js";
import type { CallerName } from "../../app/ports.js";
import type { Resolved, Snapshot } from "../../app/snapshot.js";
import { distrustIn } from "../../domain/distrust.js";
import type { Limit } from "../../domain/limit.js";
import type { Endpoint } from "../../domain/model.js";
import type { Refusal } from "../../domain/plan.js";
import { HTTP_STATUS } from "../../domain/reason.js";
import type { Rejected } from "./check-answer.js";
import type { HttpCall } from "./http-call.js";

/** Where this door refuses a call by itself. */
export interface Site {
  readonly snapshot: Snapshot;
  readonly call: HttpCall;
  /** As far as it is known. */
  readonly who: CallerName;
  readonly found?: Resolved;
  readonly endpoint?: Endpoint;
  /** What was read of the call. */
  readonly question?: Question;
}

const NO_LIMITS: readonly Limit[] = [];

/** Refuse a call that needs no use case for that, and tell the log. */
export function turnAway(desk: Desk, site: Site, { reason, message }: Refusal): Rejected {
  const { snapshot, call, who, found, endpoint, question } = site;
  const httpStatus = HTTP_STATUS[reason];
  const policyRevision = snapshot.policy.revision;
  desk.log.decided({
    reason,
    workspace: found?.standing.workspace.name,
    model: undefined,
    dryRun: false,
    degraded: false,
    question,
    caller: who,
    endpoint,
    worst: undefined,
    limits: NO_LIMITS,
    answer: { kind: "turned_away", message, httpStatus, policyRevision },
    origin: call.origin,
  });
  const param = reason === "model_unknown" ? "model" : reason === "request_too_large" ? "max_tokens" : undefined;
  return {
    kind: "rejected",
    httpStatus,
    reason,
    code: reason,
    message,
    param,
    policyRevision,
    why: distrustIn(reason),
  };
}
