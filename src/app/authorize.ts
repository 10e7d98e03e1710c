import { evaluate, uncountable } from "../domain/evaluate.js";
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
import type { Arrival, Question } from "./decision-log.js";
import type { Desk } from "./desk.js";
import { badField, type Fault, fault } from "./fault.js";
import { faultInId, faultInLabels, faultInRequest, type PrincipalName } from "./forms.js";
import { whoAsks } from "./identify.js";
import { type Counted, type Denial, logCounted, logDenied, logUnauthenticated, nameOf } from "./log-decision.js";
import type { MaybePromise, Reserve, ReserveResult } from "./ports.js";
import type { Resolved, Snapshot } from "./snapshot.js";

/** One question, as a door reads it from its caller. */
export interface AuthorizeCall extends Question {
  readonly principal: PrincipalName;
  readonly dryRun: boolean;
  readonly includeLimits: boolean;
}

/** A question that no rule refused: what is left is for the counters to say. */
interface Asked extends Counted {
  readonly kind: "asked";
  readonly call: AuthorizeCall;
}

/** A question that a rule refused, or a limit that needs no counter. */
interface Ruled extends Denial {
  readonly kind: "ruled";
}

/**
 * Decide one call and, where it is allowed, reserve its worst case.
 *
 * Faults of the message come first, then rules, which need no I/O, then all counters in one step of the store. What was
 * decided is told to the log before it is answered, so that it is there also where its caller has gone.
 */
export function authorize(desk: Desk, call: AuthorizeCall, arrival?: Arrival): MaybePromise<Decision | Fault> {
  const snapshot = desk.snapshot();
  const asked = ask(desk, snapshot, call, arrival);
  if (asked.kind === "ruled") return logDenied(desk, asked);
  if (asked.kind === "fault") {
    if (asked.code === "unauthenticated") logUnauthenticated(desk, asked, arrival?.origin, call);
    return asked;
  }

  const reserved = desk.store.reserve(asked.reserve);
  if (reserved instanceof Promise) return reserved.then((result) => conclude(desk, asked, result));
  return conclude(desk, asked, reserved);
}

function ask(desk: Desk, snapshot: Snapshot, call: AuthorizeCall, arrival: Arrival | undefined): Asked | Ruled | Fault {
  const { policy } = snapshot;
  const origin = arrival?.origin;
  const misformed = faultInForm(call);
  if (misformed) return misformed;
  const found = whoAsks(desk.identity, snapshot, call.principal, arrival?.evidence);
  if (found.kind === "fault") return found;

  if (found.kind === "refused") {
    const plan = refusedPlan(policy, call.model, call.endpoint, found.refusal);
    const missing = faultInAmounts(plan, call);
    if (missing) return missing;
    const denied = deniedByRule(plan, found.refusal, requestIdOf(desk, call));
    return { kind: "ruled", call, origin, plan, denied, who: nameOf(call.principal, found) };
  }

  const { who } = found;
  const plan = snapshot.plan(found, call.model, call.endpoint, call.request.annotatedPages);
  const missing = faultInAmounts(plan, call);
  if (missing) return missing;
  if (plan.kind === "refused") {
    return { kind: "ruled", call, origin, plan, denied: deniedByRule(plan, plan, requestIdOf(desk, call)), who };
  }

  const verdict = evaluate(found.standing, plan, call.request);
  if (verdict.kind === "too_large") {
    const denied = deniedBySize(found, plan, verdict, requestIdOf(desk, call));
    return { kind: "ruled", call, origin, plan, denied, who, tooLarge: verdict };
  }
  if (verdict.kind === "uncountable") {
    return badField("max_output_tokens", "with the default cap the estimate is above 2^53-1; name a smaller one");
  }

  const now = desk.clock.now();
  return {
    kind: "asked",
    call,
    origin,
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

function conclude(desk: Desk, asked: Asked, result: ReserveResult): Decision | Fault {
  const answer = answerBy(desk, asked, result);
  if (answer.kind !== "fault") logCounted(desk, asked, answer);
  return answer;
}

function answerBy(desk: Desk, { call, resolved, reserve }: Asked, result: ReserveResult): Decision | Fault {
  const { includeLimits } = call;
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
