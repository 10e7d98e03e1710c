import type { Standing } from "./caller.js";
import { type Amounts, chargeOf, fits } from "./charges.js";
import type { Limit } from "./limit.js";
import { costOf } from "./money.js";
import { type OpenPlan, type Plan, priceOf } from "./plan.js";
import { MAX_AMOUNT, type Tokens } from "./units.js";

/** What a caller wants to do, in numbers. */
export interface AccessRequest {
  readonly inputTokens: Tokens;
  /** Over all choices; 0: not set. */
  readonly maxOutputTokens: Tokens;
  readonly pages: number;
  readonly audioSeconds: number;
  readonly annotatedPages: boolean;
  /** How many answers are asked for, where `maxOutputTokens` is not set: each may be as long as the default cap. */
  readonly choices?: number;
  /** Its input cannot be known beforehand: it is whatever the model's context holds beside the output. */
  readonly fillsContext?: boolean;
}

/** Whether the rules let a request run, and the most that it can use. */
export type Verdict = Permit | TooLarge | Uncountable;

export interface Permit {
  readonly kind: "permit";
  /** The worst case; its output is the cap that the caller must send. */
  readonly worst: Amounts;
  /** Names of the per-request limits in shadow that would have refused. */
  readonly shadowDenials: readonly string[];
}

export interface TooLarge {
  readonly kind: "too_large";
  readonly worst: Amounts;
  /** The per-request limits that refused; empty where it was the model's own limit. */
  readonly refusing: readonly Limit[];
  readonly bound: "limits" | "model";
  readonly shadowDenials: readonly string[];
}

/** With the cap that nobody named, the estimate is above 2^53-1. */
export interface Uncountable {
  readonly kind: "uncountable";
}

const NONE: readonly string[] = [];

/**
 * Whether a request is too large to be counted at all: a fault of the message, found before any rule.
 *
 * @returns the name of the field at fault, or undefined.
 */
export function uncountable(plan: Plan, request: AccessRequest): string | undefined {
  const output = plan.hasOutput ? request.maxOutputTokens : 0;
  if (request.inputTokens + output > MAX_AMOUNT) return "input_tokens";
  const price = priceOf(plan, request.annotatedPages);
  if (!price || costOf(price, billable(request, output)) !== undefined) return undefined;
  if (plan.requires) return plan.requires;
  return request.audioSeconds * price.audioSecond > request.inputTokens * price.input
    ? "audio_seconds"
    : "input_tokens";
}

/**
 * Say whether the rules let this request run, and the most that it can use.
 *
 * Pure: reads no clock and no counter. Rules are judged before budgets, because a caller who may not use a model must
 * not learn how much is left to spend.
 */
export function evaluate(standing: Standing, plan: OpenPlan, request: AccessRequest): Verdict {
  const output = plan.hasOutput ? outputCap(standing, plan, request) : 0;
  const inputTokens = inputBeside(output, plan, request);
  const price = priceOf(plan, request.annotatedPages);
  const cost = price ? costOf(price, { ...billable(request, output), inputTokens }) : 0;
  if (cost === undefined || inputTokens + output > MAX_AMOUNT) return { kind: "uncountable" };
  const worst: Amounts = { inputTokens, outputTokens: output, cost };

  const over = overCeilings(standing, worst);
  const refusing = over.filter((limit) => !limit.shadow);
  const shadowDenials = over.length === 0 ? NONE : over.filter((limit) => limit.shadow).map((limit) => limit.name);
  const bound = refusing.length > 0 ? "limits" : exceedsModel(plan, worst) ? "model" : undefined;
  return bound
    ? { kind: "too_large", worst, refusing, bound, shadowDenials }
    : { kind: "permit", worst, shadowDenials };
}

const NO_LIMITS: readonly Limit[] = [];

function overCeilings({ perRequest }: Standing, worst: Amounts): readonly Limit[] {
  const within = perRequest.every((limit) => fits(limit.ceiling, 0, chargeOf(limit.metric, worst)));
  return within ? NO_LIMITS : perRequest.filter((limit) => !fits(limit.ceiling, 0, chargeOf(limit.metric, worst)));
}

/**
 * The output tokens to reserve: what the request names, whole; else the largest that every rule lets through.
 *
 * At least 1, so that a request with no room left for output is refused by the very limit that leaves none.
 */
function outputCap(standing: Standing, plan: OpenPlan, request: AccessRequest): Tokens {
  if (request.maxOutputTokens > 0) return request.maxOutputTokens;

  let cap = plan.defaultMaxOutputTokens * (request.choices ?? 1);
  for (const limit of standing.perRequest) {
    if (limit.shadow) continue;
    if (limit.metric === "tokens") cap = Math.min(cap, limit.ceiling - request.inputTokens);
    if (limit.metric === "output_tokens") cap = Math.min(cap, limit.ceiling);
  }
  const { contextLength, maxOutputTokens } = plan.model;
  if (contextLength !== undefined) cap = Math.min(cap, contextLength - request.inputTokens);
  if (maxOutputTokens !== undefined) cap = Math.min(cap, maxOutputTokens);
  return Math.max(cap, 1);
}

/** A model without a context length bounds nothing: whoever asks must not let such a call get here. */
function inputBeside(output: Tokens, { model }: OpenPlan, { inputTokens, fillsContext }: AccessRequest): Tokens {
  if (!fillsContext || model.contextLength === undefined) return inputTokens;
  return Math.max(inputTokens, model.contextLength - output);
}

function exceedsModel({ model }: OpenPlan, { inputTokens, outputTokens }: Amounts): boolean {
  const { contextLength = MAX_AMOUNT, maxOutputTokens = MAX_AMOUNT } = model;
  return inputTokens + outputTokens > contextLength || outputTokens > maxOutputTokens;
}

/** All input as uncached: what is cached is known only afterwards. */
function billable(request: AccessRequest, outputTokens: Tokens) {
  return {
    inputTokens: request.inputTokens,
    cachedInputTokens: 0,
    outputTokens,
    pages: request.pages,
    audioSeconds: request.audioSeconds,
  };
}
