import type { Allowed, Denied } from "../../app/decision.js";
import type { Fault } from "../../app/fault.js";
import type { PrincipalName } from "../../app/forms.js";
import type { LimitReport } from "../../app/limit-report.js";
import type { Endpoint } from "../../domain/model.js";
import type { Reason } from "../../domain/reason.js";
import type { EpochMs, Millis, Tokens } from "../../domain/units.js";
import { CheckResponse, type HeaderValueOption } from "../../gen/envoy/service/auth/v3/external_auth.js";
import { errorBody } from "../../mistral/error-body.js";
import { tightest } from "./tightest.js";

/** What Envoy is told. */
export type CheckAnswer = Admitted | Passed | Rejected;

/** The call may go on, with what it costs reserved. */
export interface Admitted {
  readonly kind: "admitted";
  readonly decision: Allowed;
  readonly upstreamKey: string;
  readonly who: PrincipalName;
  readonly endpoint: Endpoint;
  readonly streams: boolean;
  readonly annotatedPages: boolean;
  /** Reserved. */
  readonly inputTokens: Tokens;
  readonly audioSeconds: number;
  readonly pages: number;
}

/** The call may go on, and nothing counts it. */
export interface Passed {
  readonly kind: "passed";
  readonly upstreamKey: string;
  readonly policyRevision: string;
}

/** The call ends here, with an answer in Mistral's own form. */
export interface Rejected {
  readonly kind: "rejected";
  readonly httpStatus: number;
  /** undefined: not a rule or a limit refused, but what is wrong with the HTTP call itself. */
  readonly reason?: Reason;
  /** The reason, or what is wrong. */
  readonly code: string;
  readonly message: string;
  /** The field of the body that is at fault. */
  readonly param?: string | undefined;
  /** Those that refused, the one that frees last first. */
  readonly limits?: readonly LimitReport[];
  readonly retryAfterMs?: Millis | undefined;
  readonly requestId?: string;
  readonly policyRevision?: string;
  /** A credential was sent, and is none that is known. */
  readonly isCredentialWrong?: boolean;
}

const OK = 0;
/** google.rpc.Code: what Envoy asks of a denial is only that it is not 0. */
const PERMISSION_DENIED = 7;
const TRY_AGAIN_MS: Millis = 1_000;

/** Turn a denial of the use case into an answer. */
export function rejectedBy(denied: Denied): Rejected {
  const { reason, message, limits, retryAfterMs, httpStatus, requestId, policyRevision } = denied;
  const param = reason.startsWith("model_") ? "model" : reason === "request_too_large" ? "max_tokens" : undefined;
  return {
    kind: "rejected",
    reason,
    code: reason,
    message,
    param,
    limits,
    retryAfterMs,
    httpStatus,
    requestId,
    policyRevision,
  };
}

/** Turn a fault into an answer: at this door there is none that ends as a gRPC error, which an operator may let through. */
export function rejectedFor({ code, message }: Fault): Rejected {
  switch (code) {
    case "unauthenticated":
      return { kind: "rejected", httpStatus: 401, reason: code, code, message };
    case "permission_denied":
      return { kind: "rejected", httpStatus: 403, code, message };
    case "invalid_argument":
    case "not_found":
    case "already_exists":
      return { kind: "rejected", httpStatus: 400, code: "invalid_request", message };
    case "unavailable":
      return { kind: "rejected", httpStatus: 503, reason: "store_unavailable", code: "store_unavailable", message };
  }
}

/** What nobody expected: its cause goes to the log only. */
export const BROKEN: Rejected = {
  kind: "rejected",
  httpStatus: 503,
  code: "internal_error",
  message: "the policy decision service failed; nothing was decided",
};

/** Write an answer as Envoy reads it. */
export function writeCheckAnswer(answer: CheckAnswer, now: EpochMs): Buffer {
  const message = answer.kind === "rejected" ? refusal(answer, now) : passage(answer, now);
  return Buffer.from(CheckResponse.encode(message).finish());
}

function passage(answer: Admitted | Passed, now: EpochMs): CheckResponse {
  const isCounted = answer.kind === "admitted";
  return {
    status: { code: OK },
    httpResponse: {
      $case: "okResponse",
      value: {
        headers: [header("authorization", `Bearer ${answer.upstreamKey}`)],
        // Mistral takes a key here too.
        headersToRemove: ["x-api-key"],
        responseHeadersToAdd: isCounted ? told("allowed", tightest(answer.decision.limits), now) : [],
      },
    },
    dynamicMetadata: isCounted
      ? noted(answer)
      : { windbreak_reason: "allowed", windbreak_policy_revision: answer.policyRevision },
  };
}

/** What the settlement needs to know, and access logs may show. Strings: numbers are doubles in there. */
function noted(admitted: Admitted): Record<string, string> {
  const { decision, who, endpoint, inputTokens, audioSeconds, pages, streams, annotatedPages } = admitted;
  const { grant, workspace } = decision;
  return {
    windbreak_reservation_id: grant.reservationId,
    windbreak_reason: "allowed",
    windbreak_policy_revision: grant.policyRevision,
    windbreak_principal: who.id,
    windbreak_role: who.role,
    windbreak_workspace: workspace,
    windbreak_model: grant.model,
    windbreak_endpoint: endpoint,
    windbreak_input_tokens: String(inputTokens),
    windbreak_max_output_tokens: String(grant.outputTokens),
    ...(audioSeconds > 0 ? { windbreak_audio_seconds: String(audioSeconds) } : {}),
    ...(pages > 0 ? { windbreak_pages: String(pages) } : {}),
    ...(decision.degraded ? { windbreak_degraded: "true" } : {}),
    ...(streams ? { windbreak_stream: "true" } : {}),
    ...(annotatedPages ? { windbreak_annotated_pages: "true" } : {}),
  };
}

function refusal(answer: Rejected, now: EpochMs): CheckResponse {
  const { httpStatus, code, policyRevision } = answer;
  const [limit] = answer.limits ?? [];
  return {
    status: { code: PERMISSION_DENIED },
    httpResponse: {
      $case: "deniedResponse",
      value: {
        status: { code: httpStatus },
        headers: [
          header("content-type", "application/json"),
          header("cache-control", "no-store"),
          ...told(code, limit, now),
          ...waiting(answer),
          ...challenge(answer),
        ],
        body: bodyOf(answer, limit),
      },
    },
    dynamicMetadata: {
      windbreak_reason: code,
      ...(policyRevision === undefined ? {} : { windbreak_policy_revision: policyRevision }),
    },
  };
}

function bodyOf(answer: Rejected, limit: LimitReport | undefined): string {
  const { httpStatus, message, param, code, reason, requestId, policyRevision, retryAfterMs } = answer;
  return errorBody({
    status: httpStatus,
    message,
    code,
    ...(param !== undefined && { param }),
    windbreak: {
      ...(reason !== undefined && { reason }),
      ...(limit && { limit: limit.limit.name, remaining: limit.remaining }),
      ...(limit?.resetsAt !== undefined && { resetsAt: limit.resetsAt }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(requestId !== undefined && { requestId }),
      ...(policyRevision !== undefined && { policyRevision }),
    },
  });
}

function told(code: string, report: LimitReport | undefined, now: EpochMs): HeaderValueOption[] {
  const headers = [header("x-windbreak-reason", code)];
  if (!report) return headers;
  headers.push(
    header("x-windbreak-limit", report.limit.name),
    header("x-windbreak-remaining", String(report.remaining)),
  );
  if (report.resetsAt !== undefined) {
    // The store's clock says when, and may be ahead of this one.
    headers.push(header("x-windbreak-reset", String(Math.max(0, seconds(report.resetsAt - now)))));
  }
  return headers;
}

/** Clients retry these by themselves, and wait as long as they are told. A budget is not mended by a short wait. */
function waiting({ httpStatus, retryAfterMs }: Rejected): readonly HeaderValueOption[] {
  if (httpStatus !== 429 && httpStatus !== 503) return [];
  const ms = retryAfterMs ?? (httpStatus === 503 ? TRY_AGAIN_MS : undefined);
  return ms === undefined ? [] : [header("retry-after", String(Math.max(1, seconds(ms))))];
}

/** RFC 6750, section 3: no error is named where no credential was sent. */
function challenge({ httpStatus, isCredentialWrong }: Rejected): readonly HeaderValueOption[] {
  if (httpStatus !== 401) return [];
  const error = isCredentialWrong ? ', error="invalid_token"' : "";
  return [header("www-authenticate", `Bearer realm="windbreak"${error}`)];
}

/** Replaces what stands there, in every version of Envoy. */
function header(key: string, value: string): HeaderValueOption {
  return { header: { key, value, rawValue: NOTHING }, append: { value: false } };
}

const NOTHING = Buffer.alloc(0);

function seconds(ms: Millis): number {
  return Math.ceil(ms / 1000);
}
