import { type Plan, priceOf } from "../domain/plan.js";
import type { Policy } from "../domain/policy.js";
import { used } from "../domain/settlement.js";
import type { NanoUsd } from "../domain/units.js";
import type { Arrival, Origin, Settled } from "./decision-log.js";
import type { Desk } from "./desk.js";
import { badField, distrusted, type Fault, fault } from "./fault.js";
import { faultInId, faultInLabels, faultInPrincipal, faultInUsage, type PrincipalName } from "./forms.js";
import { identify } from "./identify.js";
import { isOver, type LimitReport, reportAll } from "./limit-report.js";
import type { PendingCall } from "./pending-usage.js";
import type { CallerName, Charge, Claimant, MaybePromise, SettleResult } from "./ports.js";
import type { Refused } from "./refused.js";
import type { Resolved, Snapshot } from "./snapshot.js";
import type { RecordUsageCall } from "./usage-report.js";
import { whenDone } from "./when-done.js";

/** What was charged. */
export interface Recorded {
  readonly kind: "recorded";
  readonly cost: NanoUsd;
  readonly already: boolean;
  readonly unreserved: boolean;
  /** Those above their ceiling, or every one where the call asked for them. */
  readonly limits: readonly LimitReport[];
  readonly policyRevision: string;
}

/** A report on its way. */
interface Recording {
  readonly desk: Desk;
  readonly snapshot: Snapshot;
  readonly call: RecordUsageCall;
  /** undefined: no log asks for it, or the report waited for the store. */
  readonly origin: Origin | undefined;
}

type Charged = Omit<Recorded, "limits" | "policyRevision"> & { readonly resolved: Resolved | undefined };

/**
 * Settle a reservation with what was really used; where none is known, charge the usage as it is.
 *
 * @param arrival no part of the call, because a call may be kept, on disk too, and evidence holds secrets: what is kept is
 *   whom it proved.
 */
export function recordUsage(desk: Desk, call: RecordUsageCall, arrival?: Arrival): MaybePromise<Recorded | Fault> {
  const misformed = faultInForm(call);
  if (misformed) return misformed;
  const snapshot = desk.snapshot();
  const recording: Recording = { desk, snapshot, call, origin: arrival?.origin };
  const name = desk.identity.whoIs(snapshot.policy, call.principal, arrival?.evidence);
  if ("kind" in name) return name.kind === "fault" ? name : recordRefused(recording, name);
  return whenDone(record(recording, name), (result) => {
    if (result.kind === "fault" && result.code === "unavailable") keep(desk, snapshot, { call, name });
    return result;
  });
}

/** Whoever is kept out now may have reserved before, and settles that; nothing else is charged to it. */
function recordRefused(recording: Recording, { refusal, principal }: Refused): MaybePromise<Recorded | Fault> {
  const unknown = distrusted("not_found", "unknown", refusal.message);
  if (principal === undefined) return unknown;
  const name: PrincipalName = { id: principal, role: "", workspace: "", isProved: true };
  return whenDone(settleNamed(recording, name), (result) =>
    result.kind === "unknown" ? unknown : finish(recording, settledAs(recording, result)),
  );
}

/** Whoever the policy does not know could reserve nothing, and takes no room from those it knows. */
function keep(desk: Desk, snapshot: Snapshot, pending: PendingCall): void {
  const isKnown = pending.name.id === "" || identify(snapshot, pending.name).kind === "resolved";
  if (isKnown) desk.pending?.keep(pending);
}

/** Record usage that was kept while the store was away, by the policy in force now. */
export function recordPending(desk: Desk, { call, name }: PendingCall): MaybePromise<Recorded | Fault> {
  return record({ desk, snapshot: desk.snapshot(), call, origin: undefined }, name);
}

function record(recording: Recording, name: PrincipalName): MaybePromise<Recorded | Fault> {
  return whenDone(settleNamed(recording, name), (result) => {
    const charged = result.kind === "unknown" ? chargeUnreserved(recording, name) : settledAs(recording, result);
    return whenDone(charged, (it) => finish(recording, it));
  });
}

function settleNamed({ desk, snapshot, call }: Recording, name: PrincipalName): MaybePromise<SettleResult> {
  const { reservationId, requestId, usage, outcome } = call;
  const { calendar, policy } = snapshot;
  const rest = { claimant: claimantOf(snapshot, name), usage, outcome, now: desk.clock.now(), calendar };
  if (reservationId !== "") return desk.store.settle({ name: { reservationId }, ...rest });
  const [workspace, ...otherWorkspaces] = workspacesMeant(policy, name);
  if (workspace === undefined) return { kind: "unknown" };
  return desk.store.settle({ name: { workspace, principal: name.id, requestId }, otherWorkspaces, ...rest });
}

function faultInForm(call: RecordUsageCall): Fault | undefined {
  if (call.reservationId === "" && call.requestId === "") {
    return badField("reservation_id", "is required where request_id is empty; name the reservation by one of the two");
  }
  return (
    (call.reservationId.length > MAX_RESERVATION_ID
      ? badField("reservation_id", "is longer than 512 characters")
      : undefined) ??
    (call.requestId === "" ? undefined : faultInId("request_id", call.requestId)) ??
    (call.model === "" ? undefined : faultInId("model", call.model)) ??
    faultInPrincipal(call.principal) ??
    (call.usage && faultInUsage(call.usage)) ??
    faultInLabels(call.labels)
  );
}

const MAX_RESERVATION_ID = 512;

/**
 * Where a request_id may have been used.
 *
 * A principal whose workspace the policy says need not name it, and may have reserved in another one before it was moved.
 */
function workspacesMeant(policy: Policy, { id, workspace, isProved }: PrincipalName): readonly string[] {
  if (id === "") return [];
  if (workspace !== "" && !isProved) return [workspace];
  const listed = policy.principals.get(id);
  if (!listed && !isProved) return [];
  const now = listed?.workspace ?? workspace;
  return [...new Set([...(now === "" ? [] : [now]), ...policy.workspaces.keys()])];
}

/** What the policy says of a principal now is no false claim, though the reservation may say otherwise. */
function claimantOf({ policy }: Snapshot, { id, role, workspace, isProved }: PrincipalName): Claimant {
  if (isProved) return { principal: id };
  const listed = policy.principals.get(id);
  return {
    principal: id === "" ? undefined : id,
    role: role === "" || role === listed?.role ? undefined : role,
    workspace: workspace === "" || workspace === listed?.workspace ? undefined : workspace,
  };
}

function settledAs(recording: Recording, result: Exclude<SettleResult, { readonly kind: "unknown" }>): Charged | Fault {
  switch (result.kind) {
    case "foreign":
      return distrusted(
        "permission_denied",
        "another",
        "reservation_id: another principal reserved it, and only that one may settle it",
      );
    case "uncountable":
      return badField("usage", "costs more than 2^53-1 nano-USD");
    case "away":
      return storeAway();
    case "settled": {
      const { cost, already, unreserved, caller } = result;
      if (!already) logSettled(recording, result);
      return { kind: "recorded", cost, already, unreserved, resolved: resolveNow(recording.snapshot, caller) };
    }
  }
}

/** Who a reservation's principal is now; undefined where the policy knows it no longer, and no limit governs it. */
function resolveNow(snapshot: Snapshot, { principal, role, workspace }: CallerName): Resolved | undefined {
  const isListed = snapshot.policy.principals.has(principal);
  const found = identify(snapshot, { id: principal, role: isListed ? "" : role, workspace: isListed ? "" : workspace });
  return found.kind === "resolved" ? found : undefined;
}

function chargeUnreserved(recording: Recording, name: PrincipalName): MaybePromise<Charged | Fault> {
  const { desk, snapshot, call } = recording;
  const found = identify(snapshot, name);
  if (found.kind === "fault") return found;
  if (found.kind === "refused") return distrusted("not_found", "unknown", found.refusal.message);
  const plan = planToCharge(snapshot, found, call);
  if (plan.kind === "fault") return plan;
  const amounts = call.usage ? used(plan, call.usage) : { inputTokens: 0, outputTokens: 0, cost: 0 };
  if (!amounts) return badField("usage", "costs more than 2^53-1 nano-USD");

  const now = desk.clock.now();
  const key = call.reservationId === "" ? { requestId: call.requestId } : { reservationId: call.reservationId };
  const charge: Charge = { account: found.account, plan, amounts, key, now, calendar: snapshot.calendar };
  return whenDone(desk.store.charge(charge), (result) => {
    if (result.kind === "away") return storeAway();
    const { cost, already } = result;
    const model = plan.model?.id ?? "";
    if (!already) logSettled(recording, { caller: found.who, model, amounts, unreserved: true });
    return { kind: "recorded", cost, already, unreserved: true, resolved: found };
  });
}

function logSettled(
  { desk, snapshot, call, origin }: Recording,
  { caller, model, amounts, unreserved }: Pick<Settled, "caller" | "model" | "amounts" | "unreserved">,
): void {
  const { workspace } = caller;
  const policyRevision = snapshot.policy.revision;
  desk.log.settled({ workspace, model, amounts, unreserved, caller, call, policyRevision, origin });
}

/** Rules deny calls, not bills: what was used is charged whether or not it was allowed. */
function planToCharge(
  snapshot: Snapshot,
  found: Resolved,
  { model, endpoint, usage, outcome }: RecordUsageCall,
): Plan | Fault {
  const unknown = "the reservation is not known";
  if (model === "") return badField("model", `is required, because ${unknown}`);
  if (!usage && outcome !== "failed") return badField("usage", `is required, because ${unknown}`);
  const annotatedPages = usage?.annotatedPages === true;
  const plan = snapshot.plan(found, model, endpoint, annotatedPages);
  if (!plan.model) return fault("not_found", `model: ${model} is not in the catalogue`);
  if (usage && !priceOf(plan, annotatedPages) && found.standing.spendsMoney) {
    return fault(
      "not_found",
      `model: ${plan.model.id} has no price for ${plan.endpoint}, and a limit in usd governs it`,
    );
  }
  return plan;
}

function finish({ desk, snapshot, call }: Recording, charged: Charged | Fault): MaybePromise<Recorded | Fault> {
  if (charged.kind === "fault") return charged;
  const { includeLimits } = call;
  const { resolved, ...rest } = charged;
  const policyRevision = snapshot.policy.revision;
  if (!resolved) return { ...rest, limits: [], policyRevision };
  const now = desk.clock.now();
  return whenDone(desk.store.read(resolved.account, snapshot.calendar, now), (readings) => {
    // What was charged is charged: a store that went away since only takes the report with it.
    const limits = "kind" in readings ? [] : reportAll(resolved.account.caller, readings);
    return { ...rest, limits: includeLimits ? limits : limits.filter(isOver), policyRevision };
  });
}

function storeAway(): Fault {
  return fault("unavailable", "the counter store did not answer; send the same again, it is charged once");
}
