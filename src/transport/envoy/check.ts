import { authorize } from "../../app/authorize.js";
import type { Question } from "../../app/decision-log.js";
import type { Desk } from "../../app/desk.js";
import type { PrincipalName } from "../../app/forms.js";
import { identify } from "../../app/identify.js";
import type { Identity } from "../../app/identity-ports.js";
import { logUnauthenticated, nameOf } from "../../app/log-decision.js";
import type { MaybePromise } from "../../app/ports.js";
import type { Resolved, Snapshot } from "../../app/snapshot.js";
import { whenDone } from "../../app/when-done.js";
import type { AccessRequest } from "../../domain/evaluate.js";
import { hasOutput, type Model } from "../../domain/model.js";
import type { Refusal } from "../../domain/plan.js";
import { HTTP_STATUS } from "../../domain/reason.js";
import { secondsInContext } from "../../mistral/audio.js";
import type { MistralCall } from "../../mistral/mistral-call.js";
import { readCall } from "../../mistral/read-call.js";
import { type CallRoute, routeOf } from "../../mistral/route.js";
import { arrivalOf } from "../origin.js";
import { type CheckAnswer, type Rejected, rejectedBy, rejectedFor } from "./check-answer.js";
import type { HttpCall } from "./http-call.js";
import type { LongBodies } from "./long-bodies.js";
import { type Site, turnAway } from "./turn-away.js";

/** What this door decides with. */
export interface GuardOptions {
  /** Its identity takes names as they are: this door has found out who asks before it decides. */
  readonly desk: Desk;
  readonly identity: Identity;
  /** The key that a workspace's calls are sent with; undefined: there is none. */
  readonly upstreamKey: (workspace: string) => string | undefined;
  /** Gives back what was reserved for a call that does not go on. */
  readonly abandon: (reservationId: string) => void;
  readonly bodies: LongBodies;
  /** Whether a log asks how calls come in. */
  readonly asksOrigin?: boolean | undefined;
}

const NOT_GUARDED =
  "this method and path are none of Mistral's paid endpoints, written exactly as Mistral writes them; see docs/envoy.md";
const TOO_BUSY: Rejected = {
  kind: "rejected",
  httpStatus: 503,
  code: "overloaded",
  message: "too many large bodies wait to be judged; send it again in a moment",
};
const NO_LABELS: Question["labels"] = {};
const NOBODY: PrincipalName = { id: "", role: "", workspace: "" };

/**
 * Decide one HTTP call to Mistral that Envoy holds.
 *
 * Who asks comes first, so that strangers cannot have bodies read; then the path, the body, the rules and the counters.
 */
export function guard(options: GuardOptions, call: HttpCall): MaybePromise<CheckAnswer> {
  const { desk, identity } = options;
  const snapshot = desk.snapshot();
  const who = identity.whoIs(snapshot.policy, NOBODY, call.evidence);
  if ("kind" in who) {
    if (who.kind === "refused") return turnAway(desk, { snapshot, call, who: nameOf(NOBODY, who) }, who.refusal);
    if (who.code === "unauthenticated") logUnauthenticated(desk, who, call.origin);
    return { ...rejectedFor(who), isCredentialWrong: call.evidence.apiKey !== undefined };
  }
  const found = identify(snapshot, who);
  if (found.kind === "fault") return { ...rejectedFor(found), httpStatus: HTTP_STATUS.unknown_principal };
  if (found.kind === "refused") {
    return turnAway(desk, { snapshot, call, who: nameOf(who, found) }, found.refusal);
  }

  const route = routeOf(call.method, call.path);
  const site: Site = { snapshot, call, who: found.who, found };
  switch (route.kind) {
    case "call":
      return whenDone(
        options.bodies.read(call.body.length, () => readCall(route, call)),
        (asked) => {
          if (asked === "full") return TOO_BUSY;
          if (asked.kind === "unreadable") return unreadable(asked);
          if (asked.kind === "unknown_model") {
            const refusal: Refusal = { reason: "model_unknown", message: asked.message };
            return turnAway(desk, { ...site, endpoint: route.endpoint }, refusal);
          }
          return decide(options, { call, who, route, asked, snapshot, found });
        },
      );
    case "listing":
      return letPass(options, site, found);
    case "batch":
      if (found.standing.workspace.unbounded.has("batch")) return letPass(options, site, found);
      return turnAway(desk, site, { reason: "endpoint_not_allowed", message: notBounded("batch") });
    case "refused":
      return turnAway(desk, site, { reason: "endpoint_not_allowed", message: NOT_GUARDED });
  }
}

interface Judged {
  readonly call: HttpCall;
  readonly who: PrincipalName;
  readonly route: CallRoute;
  readonly asked: MistralCall;
  /** The policy that was in force before the body was read, and who asks by it. */
  readonly snapshot: Snapshot;
  readonly found: Resolved;
}

function decide(options: GuardOptions, { call, who, route, asked, ...before }: Judged): MaybePromise<CheckAnswer> {
  const { desk, upstreamKey, abandon } = options;
  // Reading the body may have taken a while: the policy in force now decides.
  const snapshot = desk.snapshot();
  const found = snapshot === before.snapshot ? before.found : identify(snapshot, who);
  if (found.kind === "fault") return rejectedFor(found);
  // Between the question and its body the policy changed, and knows the caller no longer.
  if (found.kind === "refused") {
    return turnAway(desk, { snapshot, call, who: nameOf(who, found) }, found.refusal);
  }
  const { endpoint } = route;
  const model = snapshot.policy.models.get(asked.model);
  const request = requestOf(asked, model);
  // A call that a rule refuses is refused by that rule first.
  const isOpen = snapshot.plan(found, asked.model, endpoint, request.annotatedPages).kind === "open";
  const refusal = isOpen ? refusalOf(found, route, asked, model) : undefined;
  const question: Question = { requestId: "", model: asked.model, endpoint, request, labels: NO_LABELS };
  if (refusal) return turnAway(desk, { snapshot, call, who: found.who, found, endpoint, question }, refusal);

  const asking = { ...question, principal: who, dryRun: false, includeLimits: true };
  const decided = authorize(desk, asking, arrivalOf(undefined, call.origin));
  return whenDone(decided, (decision): CheckAnswer => {
    if (decision.kind === "fault") return rejectedFor(decision);
    if (decision.kind === "denied") return rejectedBy(decision);
    const key = upstreamKey(decision.workspace);
    if (key === undefined) {
      abandon(decision.grant.reservationId);
      return keyless(decision.workspace);
    }
    const inputTokens = request.fillsContext
      ? Math.max(request.inputTokens, (model?.contextLength ?? 0) - decision.grant.outputTokens)
      : request.inputTokens;
    const { streams } = asked;
    const { role } = found.standing;
    return {
      kind: "admitted",
      decision,
      upstreamKey: key,
      who: { ...who, role: role.name },
      endpoint,
      streams,
      annotatedPages: request.annotatedPages,
      inputTokens,
      audioSeconds: request.audioSeconds,
      pages: request.pages,
    };
  });
}

/** Audio inside a prompt is bounded by what the context holds of it. */
function requestOf(
  { request, choices, fillsContext, audioFillsContext }: MistralCall,
  model: Model | undefined,
): AccessRequest {
  const heard = audioFillsContext ? secondsInContext(model?.contextLength ?? 0) : 0;
  const { inputTokens, maxOutputTokens, pages, audioSeconds, annotatedPages } = request;
  return {
    inputTokens,
    maxOutputTokens,
    pages,
    annotatedPages,
    choices,
    fillsContext,
    audioSeconds: Math.max(audioSeconds, heard),
  };
}

/** What cannot be bounded from the request is refused, unless the policy lets it through. */
function refusalOf(
  { standing }: Resolved,
  { endpoint }: CallRoute,
  { needs, request, fillsContext }: MistralCall,
  model: Model | undefined,
): Refusal | undefined {
  const { unbounded } = standing.workspace;
  const need = [...needs].find((one) => !unbounded.has(one));
  if (need !== undefined) return { reason: "endpoint_not_allowed", message: notBounded(need) };
  if (hasOutput(endpoint) && request.maxOutputTokens === 0 && !unbounded.has("output")) {
    return { reason: "request_too_large", message: notBounded("output") };
  }
  if (fillsContext && model?.contextLength === undefined) {
    const message = `what this call sends to ${model?.id ?? "the model"} cannot be bounded, and the catalogue knows no context length of it; give it one in the policy's models`;
    return { reason: "request_too_large", message };
  }
  return undefined;
}

function notBounded(what: "batch" | "output" | "priority_tier" | "built_in_tools"): string {
  const why = {
    batch: "a batch job runs later, at a cost that its request does not tell",
    output: "without max_tokens the answer may be as long as the model's context",
    priority_tier: "service_tier may make the call cost more than its price",
    built_in_tools: "built-in tools cost what no request tells",
  }[what];
  const remedy = what === "output" ? "send max_tokens" : "leave it out";
  return `${why}; ${remedy}, or list ${what} under unbounded in the policy`;
}

function unreadable({
  status,
  message,
  param,
}: {
  status: 400 | 413 | 415;
  message: string;
  param?: string | undefined;
}): Rejected {
  const code = { 400: "invalid_request", 413: "request_body_too_large", 415: "unsupported_media_type" }[status];
  return { kind: "rejected", httpStatus: status, code, message, param };
}

function letPass(options: GuardOptions, site: Site, { standing }: Resolved): CheckAnswer {
  const { listed, workspace } = standing;
  if (listed?.disabled) {
    return turnAway(options.desk, site, {
      reason: "principal_disabled",
      message: `principal ${listed.name} is disabled in the policy`,
    });
  }
  const key = options.upstreamKey(workspace.name);
  if (key === undefined) return keyless(workspace.name);
  return { kind: "passed", upstreamKey: key, policyRevision: site.snapshot.policy.revision };
}

function keyless(workspace: string): Rejected {
  const message = `workspace ${workspace} has no Mistral key that could be read; see upstream_key in the policy`;
  return { kind: "rejected", httpStatus: 503, code: "upstream_key_missing", message };
}
