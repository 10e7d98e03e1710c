import { type AccessRequest, evaluate, uncountable } from "../domain/evaluate.js";
import type { Endpoint } from "../domain/model.js";
import { type Plan, refusedPlan } from "../domain/plan.js";
import { endsAt } from "../domain/settlement.js";
import {
  type Allowed,
  type Decision,
  deniedByLimits,
  deniedByRule,
  deniedBySize,
  deniedByStore,
  limitsIfAsked,
} from "./decision.js";
import type { Desk } from "./desk.js";
import { badField, type Fault, fault } from "./fault.js";
import { faultInId, faultInLabels, faultInRequest, type Labels, type PrincipalName } from "./forms.js";
import { whoAsks } from "./identify.js";
import type { Evidence } from "./identity-ports.js";
import type { MaybePromise, Reserve, ReserveResult } from "./ports.js";
import type { Resolved, Snapshot } from "./snapshot.js";

/** One question, as a door reads it from its caller. */
export interface AuthorizeCall {
  /** Empty: the server makes one. */
  readonly requestId: string;
  readonly principal: PrincipalName;
  /** What else the door knows of who asks; left out where it knows nothing. */
  readonly evidence?: Evidence;
  readonly model: string;
  /** undefined: the model's first one. */
  readonly endpoint: Endpoint | undefined;
  readonly request: AccessRequest;
  readonly labels: Labels;
  readonly dryRun: boolean;
  readonly includeLimits: boolean;
}

/** A question that no rule refused: what is left is for the counters to say. */
interface Asked {
  readonly kind: "asked";
  readonly resolved: Resolved;
  readonly reserve: Reserve;
}

/**
 * Decide one call and, where it is allowed, reserve its worst case.
 *
 * Faults of the message come first, then rules, which need no I/O, then all counters in one step of the store.
 */
export function authorize(desk: Desk, call: AuthorizeCall): MaybePromise<Decision | Fault> {
  const snapshot = desk.snapshot();
  const asked = ask(desk, snapshot, call);
  if (asked.kind === "fault") return asked;
  if (asked.kind !== "asked") return logged(desk, call, asked);

  const reserved = desk.store.reserve(asked.reserve);
  if (reserved instanceof Promise) {
    return reserved.then((result) => logged(desk, call, conclude(desk, call, asked, result)));
  }
  return logged(desk, call, conclude(desk, call, asked, reserved));
}

function ask(desk: Desk, snapshot: Snapshot, call: AuthorizeCall): Asked | Decision | Fault {
  const { policy } = snapshot;
  const misformed = faultInForm(call);
  if (misformed) return misformed;
  const found = whoAsks(desk.identity, snapshot, call.principal, call.evidence);
  if (found.kind === "fault") return found;

  if (found.kind === "refused") {
    const plan = refusedPlan(policy, call.model, call.endpoint, found.refusal);
    return faultInAmounts(plan, call) ?? deniedByRule(plan, found.refusal, requestIdOf(desk, call));
  }

  const plan = snapshot.plan(found, call.model, call.endpoint, call.request.annotatedPages);
  const missing = faultInAmounts(plan, call);
  if (missing) return missing;
  if (plan.kind === "refused") return deniedByRule(plan, plan, requestIdOf(desk, call));

  const verdict = evaluate(found.standing, plan, call.request);
  if (verdict.kind === "too_large") return deniedBySize(found, plan, verdict, requestIdOf(desk, call));
  if (verdict.kind === "uncountable") {
    return badField("max_output_tokens", "with the default cap the estimate is above 2^53-1; name a smaller one");
  }

  const now = desk.clock.now();
  return {
    kind: "asked",
    resolved: found,
    reserve: {
      account: found.account,
      plan,
      request: call.request,
      requestId: call.requestId,
      worst: verdict.worst,
      shadowDenials: verdict.shadowDenials,
      now,
      calendar: snapshot.calendar,
      dryRun: call.dryRun,
      readAll: call.includeLimits,
    },
  };
}

function faultInForm({ requestId, model, request, labels }: AuthorizeCall): Fault | undefined {
  return (
    (requestId === "" ? undefined : faultInId("request_id", requestId)) ??
    faultInId("model", model) ??
    faultInRequest(request) ??
    faultInLabels(labels)
  );
}

/** What can only be said once the endpoint and the price are known. */
function faultInAmounts(plan: Plan, { request }: AuthorizeCall): Fault | undefined {
  if (plan.requires === "pages" && request.pages < 1) return badField("pages", "is required (at least 1) for ocr");
  if (plan.requires === "audio_seconds" && request.audioSeconds < 1) {
    return badField("audio_seconds", "is required (at least 1) for audio_transcriptions");
  }
  const field = uncountable(plan, request);
  return field === undefined ? undefined : badField(field, "the estimate is above 2^53-1; ask for less");
}

function conclude(
  desk: Desk,
  { includeLimits }: AuthorizeCall,
  { resolved, reserve }: Asked,
  result: ReserveResult,
): Decision | Fault {
  const { plan, worst, now } = reserve;
  const requestId = reserve.requestId === "" ? desk.inventId : () => reserve.requestId;
  switch (result.kind) {
    case "admitted":
      return {
        kind: "allowed",
        workspace: resolved.standing.workspace.name,
        grant: result.grant,
        limits: limitsIfAsked(resolved, result.readings),
        degraded: false,
      };
    case "would_admit":
      return {
        ...allowedUnreserved(requestId(), resolved, reserve, result.shadowDenials),
        limits: limitsIfAsked(resolved, result.readings),
      };
    case "refused":
      return deniedByLimits({ ...result, resolved, plan, worst, requestId: requestId(), includeLimits, now });
    case "conflict":
      return fault("already_exists", result.message);
    case "away":
      if (resolved.standing.workspace.onStoreFailure === "deny") return deniedByStore(plan, requestId());
      return allowedDegraded(desk, requestId(), reserve, resolved);
  }
}

function allowedUnreserved(
  requestId: string,
  { standing }: Resolved,
  { plan, worst }: Reserve,
  shadowDenials: readonly string[],
): Allowed {
  const grant = {
    requestId,
    reservationId: "",
    expiresAt: 0,
    model: plan.model.id,
    outputTokens: worst.outputTokens,
    cost: worst.cost,
    policyRevision: plan.policyRevision,
    shadowDenials,
  };
  return { kind: "allowed", workspace: standing.workspace.name, grant, limits: [], degraded: false };
}

/** The store does not know this reservation: RecordUsage charges what it reports to the principal that it names. */
function allowedDegraded(desk: Desk, requestId: string, reserve: Reserve, resolved: Resolved): Allowed {
  const allowed = allowedUnreserved(requestId, resolved, reserve, reserve.shadowDenials);
  const expiresAt = endsAt(reserve.now, resolved.standing.workspace.reservationTtlMs);
  return { ...allowed, grant: { ...allowed.grant, reservationId: desk.inventId(), expiresAt }, degraded: true };
}

function requestIdOf(desk: Desk, { requestId }: AuthorizeCall): string {
  return requestId === "" ? desk.inventId() : requestId;
}

function logged(desk: Desk, call: AuthorizeCall, answer: Decision | Fault): Decision | Fault {
  if (answer.kind === "fault") return answer;
  const isAllowed = answer.kind === "allowed";
  desk.log.decided({
    reason: isAllowed ? "allowed" : answer.reason,
    workspace: answer.workspace,
    model: (isAllowed ? answer.grant.model : answer.model) || undefined,
    dryRun: call.dryRun,
    degraded: isAllowed && answer.degraded,
  });
  return answer;
}
