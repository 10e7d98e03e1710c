import type { Reason } from "../domain/reason.js";
import type { EpochMs, Millis } from "../domain/units.js";

/** What Windbreak tells of its refusal beside Mistral's own members. What is not known is left out. */
export interface Refusal {
  readonly reason?: Reason;
  /** The name of the limit that refused. */
  readonly limit?: string;
  /** In the unit of the limit; nano-USD where that is money. */
  readonly remaining?: number;
  readonly resetsAt?: EpochMs;
  readonly retryAfterMs?: Millis;
  readonly requestId?: string;
  readonly policyRevision?: string;
  /** With no more output than this the same call would pass. */
  readonly fittingOutputTokens?: number;
}

export interface ErrorToTell {
  /** The HTTP status that the body goes with; the error's type follows from it. */
  readonly status: number;
  readonly message: string;
  /** The field of the request that is at fault. */
  readonly param?: string;
  readonly code?: string;
  readonly windbreak: Refusal;
}

type ErrorType = "invalid_request_error" | "authentication_error" | "rate_limit_error" | "server_error";

/**
 * Write an error as Mistral does, in JSON, so that its SDKs show the message to whoever called.
 *
 * `windbreak` stands beside Mistral's members. Its times are RFC 3339 and whole seconds: a wait is rounded up, and is
 * 1 at the least, because a client that waits 0 seconds asks again at once.
 */
export function errorBody({ status, message, param, code, windbreak }: ErrorToTell): string {
  const { reason, limit, remaining, resetsAt, retryAfterMs, requestId, policyRevision, fittingOutputTokens } =
    windbreak;
  return JSON.stringify({
    object: "error",
    message,
    type: typeOf(status),
    param: param ?? null,
    code: code ?? null,
    windbreak: {
      reason,
      limit,
      remaining,
      resets_at: resetsAt === undefined ? undefined : new Date(resetsAt).toISOString(),
      retry_after_seconds: retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000)),
      request_id: requestId,
      policy_revision: policyRevision,
      fitting_output_tokens: fittingOutputTokens,
    },
  });
}

/** The types that Mistral documents; its live ones differ by cause, and no SDK reads them. */
function typeOf(status: number): ErrorType {
  if (status >= 500) return "server_error";
  if (status === 401) return "authentication_error";
  return status === 402 || status === 429 ? "rate_limit_error" : "invalid_request_error";
}
