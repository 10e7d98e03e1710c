import { wholeNanoUsd } from "../domain/money.js";
import { allowedModels, judgeModel } from "../domain/plan.js";
import type { Desk } from "./desk.js";
import { distrusted, type Fault, fault } from "./fault.js";
import { faultInId, type PrincipalName } from "./forms.js";
import { whoAsks } from "./identify.js";
import type { Evidence } from "./identity-ports.js";
import { type LimitReport, reportAll } from "./limit-report.js";
import type { MaybePromise } from "./ports.js";
import type { Resolved, Snapshot } from "./snapshot.js";
import { whenDone } from "./when-done.js";

/** Whose budget is asked for. */
export interface CheckBudgetCall {
  readonly principal: PrincipalName;
  /** Empty: no model is asked about. */
  readonly model: string;
}

/** What is left, and of what. */
export interface Budget {
  readonly kind: "budget";
  readonly principal: PrincipalName;
  readonly limits: readonly LimitReport[];
  /** Dated ids, sorted. */
  readonly allowedModels: readonly string[];
  readonly modelStatus: ModelStatus | undefined;
  readonly policyRevision: string;
}

/** Prices in whole nano-USD, rounded up; undefined where the catalogue has none. */
export interface ModelStatus {
  /** The dated id; empty where the model is unknown. */
  readonly model: string;
  readonly reason: "allowed" | "model_unknown" | "model_not_allowed";
  readonly inputToken: number | undefined;
  readonly cachedInputToken: number | undefined;
  readonly outputToken: number | undefined;
  readonly page: number | undefined;
  readonly annotatedPage: number | undefined;
  readonly audioSecond: number | undefined;
}

/**
 * Read every limit that governs a principal. Changes nothing.
 *
 * @param evidence what the door knows of who asks; left out where it knows nothing.
 */
export function checkBudget(desk: Desk, call: CheckBudgetCall, evidence?: Evidence): MaybePromise<Budget | Fault> {
  const misformed = call.model === "" ? undefined : faultInId("model", call.model);
  if (misformed) return misformed;
  const snapshot = desk.snapshot();
  const found = whoAsks(desk.identity, snapshot, call.principal, evidence);
  if (found.kind === "fault") return found;
  if (found.kind === "refused") return distrusted("not_found", "unknown", found.refusal.message);

  const now = desk.clock.now();
  return whenDone(desk.store.read(found.account, snapshot.calendar, now), (readings) => {
    if ("kind" in readings) return fault("unavailable", "the counter store did not answer; ask again");
    return {
      kind: "budget",
      ...described(snapshot, found, call.model),
      limits: reportAll(found.account.caller, readings),
      policyRevision: snapshot.policy.revision,
    };
  });
}

function described({ policy }: Snapshot, { standing, account }: Resolved, model: string) {
  return {
    principal: { id: account.caller.principal, role: standing.role.name, workspace: standing.workspace.name },
    allowedModels: allowedModels(policy, standing),
    modelStatus: model === "" ? undefined : statusOf(judgeModel(policy, standing, model)),
  };
}

function statusOf({ model, reason, rates }: ReturnType<typeof judgeModel>): ModelStatus {
  return {
    model: model?.id ?? "",
    reason,
    inputToken: rates?.inputToken && wholeNanoUsd(rates.inputToken),
    cachedInputToken: rates?.cachedInputToken && wholeNanoUsd(rates.cachedInputToken),
    outputToken: rates?.outputToken && wholeNanoUsd(rates.outputToken),
    page: rates?.page && wholeNanoUsd(rates.page),
    annotatedPage: rates?.annotatedPage && wholeNanoUsd(rates.annotatedPage),
    audioSecond: rates?.audioSecond && wholeNanoUsd(rates.audioSecond),
  };
}
