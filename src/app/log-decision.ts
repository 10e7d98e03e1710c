import type { TooLarge } from "../domain/evaluate.js";
import type { Limit } from "../domain/limit.js";
import type { Plan } from "../domain/plan.js";
import { HTTP_STATUS } from "../domain/reason.js";
import type { Decision, Denied } from "./decision.js";
import type { Origin, Question } from "./decision-log.js";
import type { Desk } from "./desk.js";
import type { Fault } from "./fault.js";
import type { PrincipalName } from "./forms.js";
import type { CallerName, Reserve } from "./ports.js";
import type { Refused } from "./refused.js";
import type { Resolved } from "./snapshot.js";

/** A question that the counters were asked about. */
export interface Counted {
  readonly call: Question;
  readonly origin: Origin | undefined;
  readonly resolved: Resolved;
  readonly reserve: Reserve;
}

/** A denial that needed no counter. */
export interface Denial {
  readonly call: Question & { readonly dryRun: boolean };
  readonly origin: Origin | undefined;
  readonly plan: Plan;
  readonly denied: Denied;
  readonly who: CallerName;
  /** Where a limit on each request refused, or the model's own. */
  readonly tooLarge?: TooLarge;
}

const NO_LIMITS: readonly Limit[] = [];

/** Tell the log what became of a question that the counters were asked about. */
export function logCounted(desk: Desk, { call, origin, resolved, reserve }: Counted, answer: Decision): void {
  const isAllowed = answer.kind === "allowed";
  desk.log.decided({
    reason: isAllowed ? "allowed" : answer.reason,
    workspace: answer.workspace,
    model: (isAllowed ? answer.grant.model : answer.model) || undefined,
    dryRun: reserve.dryRun,
    degraded: isAllowed && answer.degraded,
    shadowDenials: isAllowed ? answer.grant.shadowDenials : answer.shadowDenials,
    question: call,
    caller: resolved.who,
    endpoint: reserve.plan.endpoint,
    worst: reserve.worst,
    limits: resolved.standing.limits,
    answer,
    origin,
  });
}

/** Tell the log of a denial that needed no counter. @returns it. */
export function logDenied(desk: Desk, { call, origin, plan, denied, who, tooLarge }: Denial): Denied {
  desk.log.decided({
    reason: denied.reason,
    workspace: denied.workspace,
    model: denied.model || undefined,
    dryRun: call.dryRun,
    degraded: false,
    shadowDenials: denied.shadowDenials,
    question: call,
    caller: who,
    endpoint: plan.endpoint,
    worst: tooLarge?.worst,
    limits: NO_LIMITS,
    answer: denied,
    origin,
  });
  return denied;
}

const NOBODY: CallerName = { principal: "", role: "", workspace: "" };

/**
 * Tell the log of a caller that did not prove who it is.
 *
 * What its message claims is not written as who asked. @param question left out where it was not read.
 */
export function logUnauthenticated(desk: Desk, { message }: Fault, origin?: Origin, question?: Question): void {
  const { revision } = desk.snapshot().policy;
  desk.log.decided({
    reason: "unauthenticated",
    workspace: undefined,
    model: undefined,
    dryRun: false,
    degraded: false,
    question,
    caller: NOBODY,
    endpoint: question?.endpoint,
    worst: undefined,
    limits: NO_LIMITS,
    answer: {
      kind: "turned_away",
      message,
      httpStatus: HTTP_STATUS.unauthenticated,
      policyRevision: revision,
    },
    origin,
  });
}

/** Name a caller whom a rule keeps out: by what it proved, else by what it says. */
export function nameOf({ id, role, workspace }: PrincipalName, { principal }: Pick<Refused, "principal">): CallerName {
  return { principal: principal ?? id, role, workspace };
}
