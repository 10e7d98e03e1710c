import type { Standing } from "./caller.js";
import { type Endpoint, hasOutput, type Model } from "./model.js";
import { type Price, type PriceParts, priceFrom, type Rates, times } from "./money.js";
import type { Policy } from "./policy.js";
import type { Reason } from "./reason.js";
import type { Tokens } from "./units.js";

/** What a (standing, model, endpoint) comes to before any number is known: refused by a rule, or open. */
export type Plan = OpenPlan | RefusedPlan;

export interface OpenPlan extends PlanBase {
  readonly kind: "open";
  readonly model: Model;
  readonly endpoint: Endpoint;
}

export interface RefusedPlan extends PlanBase {
  readonly kind: "refused";
  readonly reason: Reason;
  /** For a person. */
  readonly message: string;
}

interface PlanBase {
  /** What was asked for, as the request named it: under the next policy it may mean something else. */
  readonly asked: { readonly model: string; readonly endpoint: Endpoint | undefined };
  readonly policyRevision: string;
  /** undefined: the policy does not know the caller's. */
  readonly workspace: string | undefined;
  readonly model: Model | undefined;
  readonly endpoint: Endpoint | undefined;
  /** The field that this endpoint cannot be judged without. */
  readonly requires: "pages" | "audio_seconds" | undefined;
  readonly hasOutput: boolean;
  /** What the cap starts from when the request names none. */
  readonly defaultMaxOutputTokens: Tokens;
  /** undefined: the catalogue lacks a price that this endpoint charges by. */
  readonly price: Price | undefined;
  /** The same for annotated pages. */
  readonly annotatedPrice: Price | undefined;
}

/** The price that a request is charged by; undefined where the catalogue lacks it. */
export function priceOf(plan: Pick<PlanBase, "price" | "annotatedPrice">, annotatedPages: boolean): Price | undefined {
  return annotatedPages ? plan.annotatedPrice : plan.price;
}

/** Why a principal may use nothing at all: found before its model is looked at. */
export interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

/**
 * Judge everything that can be judged without the request's amounts and without a counter.
 *
 * @param annotatedPages whether pages are charged by their annotated price, which a model may lack.
 */
export function planFor(
  policy: Policy,
  standing: Standing,
  modelName: string,
  asked: Endpoint | undefined,
  annotatedPages = false,
): Plan {
  const base = planBase(policy, standing, modelName, asked);
  const { model, endpoint } = base;
  const refusal = disabled(standing) ?? modelRefusal(standing, base, annotatedPages);
  if (refusal) return { ...base, kind: "refused", ...refusal };
  if (!model || !endpoint) throw new Error("a plan without a refusal has a model and an endpoint");
  return { ...base, kind: "open", model, endpoint };
}

/** The plan of a caller whom the policy does not know: refused, with what the message must still hold. */
export function refusedPlan(
  policy: Policy,
  modelName: string,
  asked: Endpoint | undefined,
  refusal: Refusal,
): RefusedPlan {
  return { ...planBase(policy, undefined, modelName, asked), kind: "refused", ...refusal };
}

function planBase(
  policy: Policy,
  standing: Standing | undefined,
  modelName: string,
  asked: Endpoint | undefined,
): PlanBase {
  const model = policy.models.get(modelName);
  const endpoint = asked ?? model?.endpoints[0];
  const rates = model && standing ? surcharged(model.rates, standing) : model?.rates;
  return {
    asked: { model: modelName, endpoint: asked },
    policyRevision: policy.revision,
    workspace: standing?.workspace.name,
    model,
    endpoint,
    requires: endpoint === "ocr" ? "pages" : endpoint === "audio_transcriptions" ? "audio_seconds" : undefined,
    hasOutput: endpoint !== undefined && hasOutput(endpoint),
    defaultMaxOutputTokens: standing ? defaultCap(policy, standing) : policy.defaultMaxOutputTokens,
    price: rates && endpoint && priceOn(endpoint, rates, rates.page),
    annotatedPrice: rates && endpoint && priceOn(endpoint, rates, rates.annotatedPage),
  };
}

/**
 * The cap that starts from where a request names none. The narrower scopes' values stand in for the policy's; where both
 * workspace and role have one, the lesser.
 */
export function defaultCap(
  policy: Pick<Policy, "defaultMaxOutputTokens">,
  { workspace, role }: Pick<Standing, "workspace" | "role">,
): Tokens {
  const own = [workspace.defaultMaxOutputTokens, role.defaultMaxOutputTokens].filter((cap) => cap !== undefined);
  return own.length > 0 ? Math.min(...own) : policy.defaultMaxOutputTokens;
}

function surcharged(rates: Rates, { workspace: { priceFactor } }: Standing): Rates {
  const by = (fraction: Rates[keyof Rates]) => fraction && times(fraction, priceFactor);
  return {
    inputToken: by(rates.inputToken),
    cachedInputToken: by(rates.cachedInputToken),
    outputToken: by(rates.outputToken),
    page: by(rates.page),
    annotatedPage: by(rates.annotatedPage),
    audioSecond: by(rates.audioSecond),
  };
}

/** What this endpoint charges by; undefined where the catalogue lacks one of those prices. */
function priceOn(endpoint: Endpoint, rates: Rates, page: Rates["page"]): Price | undefined {
  const input = rates.inputToken;
  const parts: PriceParts = { input, cachedInput: rates.cachedInputToken ?? input };
  switch (endpoint) {
    case "ocr":
      return page && priceFrom({ page });
    case "audio_transcriptions":
      return rates.audioSecond && priceFrom({ audioSecond: rates.audioSecond });
    case "embeddings":
    case "moderations":
    case "classifications":
      return input && priceFrom(parts);
    case "chat_completions":
    case "fim_completions":
    case "agents_completions":
    case "conversations":
      return (
        input && rates.outputToken && priceFrom({ ...parts, output: rates.outputToken, audioSecond: rates.audioSecond })
      );
  }
}

/** Whether a model has the prices that a call of an endpoint is charged by, annotated pages aside. */
export function isPriced({ rates }: Model, endpoint: Endpoint): boolean {
  return priceOn(endpoint, rates, rates.page) !== undefined;
}

function disabled({ listed }: Standing): Refusal | undefined {
  if (!listed?.disabled) return undefined;
  return { reason: "principal_disabled", message: `principal ${listed.name} is disabled in the policy` };
}

function modelRefusal(standing: Standing, plan: PlanBase, annotatedPages: boolean): Refusal | undefined {
  const { asked, model, endpoint } = plan;
  if (!model || !endpoint) {
    return {
      reason: "model_unknown",
      message: `model ${asked.model} is not in the catalogue; name one that is, or add it to the policy's models`,
    };
  }
  // Whether the endpoint is served is judged below: on one that is not, a missing price says nothing.
  if (standing.spendsMoney && !priceOf(plan, annotatedPages) && model.endpoints.includes(endpoint)) {
    const what = annotatedPages ? `annotated pages on ${endpoint}` : endpoint;
    return {
      reason: "model_unknown",
      message: `model ${model.id} has no price for ${what}, and a limit in usd governs this call; add its prices to the policy's models`,
    };
  }
  const closed = closedTo(standing, (ruled) => ruled.models === undefined || ruled.models.has(model.id));
  if (closed) return { reason: "model_not_allowed", message: `${closed} does not allow model ${model.id}` };

  if (!model.endpoints.includes(endpoint)) {
    return {
      reason: "endpoint_not_allowed",
      message: `model ${model.id} does not serve ${endpoint}; it serves ${model.endpoints.join(", ")}`,
    };
  }
  const barred = closedTo(standing, (ruled) => ruled.endpoints === undefined || ruled.endpoints.has(endpoint));
  if (barred) return { reason: "endpoint_not_allowed", message: `${barred} does not allow ${endpoint}` };
  return undefined;
}

/** What a principal may do with a model, whichever of its endpoints it calls. */
export interface ModelVerdict {
  readonly model: Model | undefined;
  readonly reason: "allowed" | "model_unknown" | "model_not_allowed";
  /** With the workspace's price factor. */
  readonly rates: Rates | undefined;
}

/** Judge a model by name. Endpoint lists and a disabled principal are other questions. */
export function judgeModel(policy: Policy, standing: Standing, model: string): ModelVerdict {
  const plan = planBase(policy, standing, model, undefined);
  const refused = modelRefusal(standing, plan, false)?.reason;
  const reason = refused === "model_unknown" || refused === "model_not_allowed" ? refused : "allowed";
  return { model: plan.model, reason, rates: plan.model && surcharged(plan.model.rates, standing) };
}

/** The dated ids of all models that `judgeModel` allows, sorted. */
export function allowedModels(policy: Policy, standing: Standing): readonly string[] {
  const ids = new Set(Array.from(policy.models.values(), ({ id }) => id));
  return [...ids].filter((id) => judgeModel(policy, standing, id).reason === "allowed").sort();
}

/** The first of workspace, role and principal whose list does not let the call through, named for a person. */
function closedTo(
  { workspace, role, listed }: Standing,
  lets: (
    ruled: Pick<Standing["workspace"], "endpoints"> & { readonly models: ReadonlySet<string> | undefined },
  ) => boolean,
): string | undefined {
  if (!lets(workspace)) return `workspace ${workspace.name}`;
  if (!lets(role)) return `role ${role.name}`;
  if (listed && !lets(listed)) return `principal ${listed.name}`;
  return undefined;
}
