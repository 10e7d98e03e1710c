import assert from "node:assert/strict";
import { built } from "./built.mjs";
import { compiled } from "./compiled.mjs";
import { principalName } from "./policy.mjs";
import { AMOUNTS, MODEL, PRINCIPAL, question } from "./question.mjs";

/** @type {typeof import("../../src/domain/caller.js")} */
const { callerOf, standingOf } = await built("domain/caller.js");
/** @type {typeof import("../../src/domain/evaluate.js")} */
const { evaluate } = await built("domain/evaluate.js");
/** @type {typeof import("../../src/domain/plan.js")} */
const { planFor } = await built("domain/plan.js");
/** @type {typeof import("../../src/domain/window.js")} */
const { Calendar } = await built("domain/window.js");

/** @typedef {import("../../src/domain/plan.js").Plan} Plan */

/** What each call turns out to have used. */
export const USAGE = {
  inputTokens: AMOUNTS.inputTokens,
  cachedInputTokens: 0,
  outputTokens: 200,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};
/** Anybody may settle. */
export const CLAIMANT = { principal: undefined, workspace: undefined };

/**
 * Judge the question of every measurement by a policy, as far as a store's own port: all that it is then told of a call.
 *
 * @param {string} yaml a policy that admits it.
 */
export function everydayCall(yaml) {
  const policy = compiled(Buffer.from(yaml));
  const workspace = policy.workspaces.get(PRINCIPAL.workspace);
  const role = policy.roles.get(PRINCIPAL.role);
  assert(workspace && role);
  const standing = standingOf(policy, workspace, role, policy.principals.get(PRINCIPAL.id));
  const plan = openPlan(planFor(policy, standing, MODEL, undefined));
  const request = question("");
  const verdict = evaluate(standing, plan, request);
  assert(verdict.kind === "permit");
  const { worst, shadowDenials } = verdict;
  return {
    calendar: new Calendar(policy.timezone),
    /** One of the callers that are alike, by number. */
    caller: (/** @type {number} */ index) => callerOf(standing, principalName(index)),
    /** What does not differ from call to call. */
    alike: { plan, request, worst, shadowDenials, dryRun: false, readAll: false },
  };
}

/** @param {Plan} plan */
function openPlan(plan) {
  assert(plan.kind === "open");
  return plan;
}
