import type { Allowed, Denied } from "../../app/decision.js";
import type { Fault } from "../../app/fault.js";
import type { PrincipalName } from "../../app/forms.js";
import type { LimitReport } from "../../app/limit-report.js";
import { type Distrust, distrustIn } from "../../domain/distrust.js";
import type { Endpoint } from "../../domain/model.js";
import type { Reason } from "../../domain/reason.js";
import type { Millis, Tokens } from "../../domain/units.js";

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
  /** Where it is refused for who calls. */
  readonly why?: Distrust | undefined;
}

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
    why: distrustIn(reason),
  };
}

/** Turn a fault into an answer: at this door there is none that ends as a gRPC error, which an operator may let through. */
export function rejectedFor({ code, message, why }: Fault): Rejected {
  switch (code) {
    case "unauthenticated":
      return { kind: "rejected", httpStatus: 401, reason: code, code, message, why };
    case "permission_denied":
      return { kind: "rejected", httpStatus: 403, code, message, why };
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
