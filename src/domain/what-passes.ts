import type { Standing } from "./caller.js";
import { type Amounts, chargeOf, fits } from "./charges.js";
import { type AccessRequest, evaluate, uncountable } from "./evaluate.js";
import type { Limit } from "./limit.js";
import type { Endpoint, Model } from "./model.js";
import { allowedModels, type OpenPlan, planFor, priceOf } from "./plan.js";
import type { Policy } from "./policy.js";
import { MAX_AMOUNT, type NanoUsd, type Tokens } from "./units.js";

/** What is counted already, by a limit's name. A limit that is left out is untouched. */
export type Counted = ReadonlyMap<string, { readonly used: number; readonly reserved: number }>;

/** One limit, and what a call means to it. Amounts are in the metric's unit. */
export interface Held {
  readonly limit: Limit;
  readonly used: number;
  readonly reserved: number;
  /** What the call would take at the most. */
  readonly needed: number;
  /** max(0, ceiling - used - reserved), before the call. */
  readonly left: number;
  readonly verdict: "passes" | "refuses" | "would_refuse";
}

/** Hold a call against every limit that governs it, in their order. */
export function holdAgainst(standing: Standing, counted: Counted, worst: Amounts): readonly Held[] {
  return standing.limits.map((limit) => {
    const { used, reserved } = counted.get(limit.name) ?? { used: 0, reserved: 0 };
    const needed = chargeOf(limit.metric, worst);
    const isRefused = !fits(limit.ceiling, used + reserved, needed);
    const verdict = isRefused ? (limit.shadow ? "would_refuse" : "refuses") : "passes";
    return { limit, used, reserved, needed, left: Math.max(0, limit.ceiling - used - reserved), verdict };
  });
}

/** A call that no rule refuses before its amounts are known. */
export interface Candidate {
  readonly standing: Standing;
  readonly plan: OpenPlan;
  readonly request: AccessRequest;
  readonly counted: Counted;
}

/** What a call would take at the most, and whether every rule and limit lets it; undefined where nobody can say. */
function judge({ standing, plan, request, counted }: Candidate): { worst: Amounts; passes: boolean } | undefined {
  if (uncountable(plan, request) !== undefined) return undefined;
  const verdict = evaluate(standing, plan, request);
  if (verdict.kind === "uncountable") return undefined;
  const { worst } = verdict;
  const isHeldBack = holdAgainst(standing, counted, worst).some((held) => held.verdict === "refuses");
  return { worst, passes: verdict.kind === "permit" && !isHeldBack };
}

/**
 * Find the largest max_output_tokens with which a call would be admitted.
 *
 * @returns 0 where none would do; `MAX_AMOUNT` less the input where nothing bounds it. Means nothing on an endpoint without
 *   output.
 */
export function largestOutput(candidate: Candidate): Tokens {
  const { request } = candidate;
  const admits = (maxOutputTokens: Tokens) =>
    judge({ ...candidate, request: { ...request, maxOutputTokens } })?.passes === true;

  // Every charge grows with the output, so what is admitted is an interval that begins at 1.
  let admitted = 0;
  let refused = MAX_AMOUNT - request.inputTokens + 1;
  while (refused - admitted > 1) {
    const middle = admitted + Math.floor((refused - admitted) / 2);
    if (admits(middle)) admitted = middle;
    else refused = middle;
  }
  return admitted;
}

/** A model that a caller may use, and what this very call would come to with it. */
export interface Offer {
  readonly model: Model;
  readonly endpoint: Endpoint;
  /** The worst case; undefined where the catalogue has no price for it. */
  readonly cost: NanoUsd | undefined;
  readonly outputTokens: Tokens;
  /** Whether every limit lets it through. */
  readonly passes: boolean;
}

/** Whom offers are made to, and for what. */
export interface Wanted {
  readonly policy: Policy;
  readonly standing: Standing;
  readonly request: AccessRequest;
  /** undefined: each model's first one. */
  readonly endpoint: Endpoint | undefined;
  readonly counted: Counted;
}

/** List the models that the rules let a caller use for a call, the cheapest for this call first, those without a price last. */
export function offersFor({ policy, standing, request, endpoint, counted }: Wanted): readonly Offer[] {
  const offers = allowedModels(policy, standing).flatMap((id): Offer[] => {
    const plan = planFor(policy, standing, id, endpoint, request.annotatedPages);
    if (plan.kind === "refused" || lacksAmount(plan, request)) return [];
    const judged = judge({ standing, plan, request, counted });
    if (!judged) return [];
    const { worst, passes } = judged;
    const cost = priceOf(plan, request.annotatedPages) && worst.cost;
    return [{ model: plan.model, endpoint: plan.endpoint, cost, outputTokens: worst.outputTokens, passes }];
  });
  const costOf = ({ cost }: Offer) => cost ?? Number.MAX_VALUE;
  // Sorting keeps the order by id among equals.
  return offers.sort((left, right) => costOf(left) - costOf(right));
}

/** Without its pages or seconds a call to such an endpoint costs nothing, and is none. */
function lacksAmount({ requires }: OpenPlan, { pages, audioSeconds }: AccessRequest): boolean {
  return (requires === "pages" && pages < 1) || (requires === "audio_seconds" && audioSeconds < 1);
}
