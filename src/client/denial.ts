import { REASONS, type Reason } from "../domain/reason.js";
import { errorBody } from "../mistral/error-body.js";
import { isRecord, parseJson } from "../mistral/json-value.js";
import type { Decision } from "./answers.js";

/** Why a call was not made. */
export type DenialReason =
  | Reason
  /** No decision could be had of Windbreak. */
  | "unavailable"
  /** Windbreak would not judge the question: who asks is not who the credential proves, or a field is at fault. */
  | "rejected"
  /** The call cannot be read, or might be read in two ways. */
  | "unreadable";

/** What a refused call is told. */
export interface Denial {
  readonly reason: DenialReason;
  /** For a person: which limit, how much is left, when it frees. */
  readonly message: string;
  /** What the call is answered with. */
  readonly httpStatus: number;
  /** The limit that refused; of several, the one that frees last. */
  readonly limit?: string | undefined;
  /** What is left of it, in its unit; nano-USD where that is money. */
  readonly remaining?: number | undefined;
  readonly resetsAt?: Date | undefined;
  /** When the same call would pass by time alone; undefined where waiting does not help. */
  readonly retryAfterMs?: number | undefined;
  /** With no more output than this, over all choices, the same call would pass. Known where token limits alone refused. */
  readonly fittingOutputTokens?: number | undefined;
  readonly requestId?: string | undefined;
  readonly policyRevision?: string | undefined;
}

/** What clients with a backoff of their own send again by themselves: 429, and 5xx. */
const RETRIED: ReadonlySet<Reason> = new Set(["rate_limited", "store_unavailable"]);
const CONCURRENCY = "concurrent_requests";

/** Turn a denial of Windbreak's into what the caller is told. @param inputTokens what was asked for. */
export function denialBy(decision: Decision, inputTokens: number): Denial {
  const { reason, message, retryAfterMs, requestId, policyRevision, limits } = decision;
  const [limit] = limits;
  return {
    reason,
    message,
    httpStatus: statusFor(decision),
    retryAfterMs,
    requestId,
    policyRevision,
    limit: limit?.name,
    remaining: limit?.remaining,
    resetsAt: limit?.resetsAt,
    fittingOutputTokens: fittingOutput(decision, inputTokens),
  };
}

/**
 * A budget must not be asked for again every minute, nor a rate that never frees, whatever status the policy gives it:
 * only what a short wait mends is answered with a status that clients retry.
 */
function statusFor({ reason, httpStatus, retryAfterMs, limits }: Decision): number {
  if (reason === "rate_limited" && retryAfterMs === undefined && limits[0]?.metric !== CONCURRENCY) return 403;
  if (RETRIED.has(reason)) return httpStatus;
  return httpStatus === 429 || httpStatus >= 500 ? 402 : httpStatus;
}

function fittingOutput({ limits }: Decision, inputTokens: number): number | undefined {
  let fitting: number | undefined;
  for (const { metric, remaining, shadow } of limits) {
    if (shadow) continue;
    if (metric !== "tokens" && metric !== "output_tokens") return undefined;
    fitting = Math.min(fitting ?? remaining, metric === "tokens" ? remaining - inputTokens : remaining);
  }
  return fitting !== undefined && fitting > 0 ? fitting : undefined;
}

/** Answer a call in Mistral's stead, in the form in which Mistral answers errors. */
export function responseTo(denial: Denial): Response {
  const { reason, message, httpStatus, limit, remaining, resetsAt, retryAfterMs } = denial;
  const { requestId, policyRevision, fittingOutputTokens } = denial;
  const known = REASONS.find((one) => one === reason);
  const body = errorBody({
    status: httpStatus,
    message,
    code: reason,
    windbreak: {
      ...(known !== undefined && { reason: known }),
      ...(limit !== undefined && { limit }),
      ...(remaining !== undefined && { remaining }),
      ...(resetsAt !== undefined && { resetsAt: resetsAt.getTime() }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(requestId !== undefined && { requestId }),
      ...(policyRevision !== undefined && { policyRevision }),
      ...(fittingOutputTokens !== undefined && { fittingOutputTokens }),
    },
  });
  const headers = new Headers({ "content-type": "application/json", "x-windbreak-reason": reason });
  const wait = waitFor(denial);
  if (wait !== undefined) headers.set("retry-after", String(wait));
  return new Response(body, { status: httpStatus, headers });
}

/** In seconds. What frees a call in flight is its end, not time: there the client's own backoff does better. */
function waitFor({ httpStatus, limit, retryAfterMs }: Denial): number | undefined {
  if (httpStatus === 503) return Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000));
  if (httpStatus !== 429 || retryAfterMs === undefined || limit?.endsWith(CONCURRENCY)) return undefined;
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/**
 * Read why Windbreak refused a call from the error that Mistral's client threw; undefined where it did not.
 *
 * Reads what Envoy's door answers too, and the errors of clients that call the body `responseBody`.
 */
export function denialOf(error: unknown): Denial | undefined {
  if (!(error instanceof Error)) return undefined;
  const fields = new Map(Object.entries(error));
  const text = fields.get("body") ?? fields.get("responseBody");
  const body: unknown = typeof text === "string" ? parseJson(text) : undefined;
  if (!isRecord(body) || !isRecord(body["windbreak"])) return undefined;
  const { windbreak } = body;
  const number = (name: string) => numberIn(windbreak, name);
  const seconds = number("retry_after_seconds");
  const resetsAt = textIn(windbreak, "resets_at");
  return {
    reason: reasonIn(body["code"]),
    message: textIn(body, "message") ?? "",
    httpStatus: Number(fields.get("statusCode") ?? 0),
    limit: textIn(windbreak, "limit"),
    remaining: number("remaining"),
    resetsAt: resetsAt === undefined ? undefined : new Date(resetsAt),
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
    fittingOutputTokens: number("fitting_output_tokens"),
    requestId: textIn(windbreak, "request_id"),
    policyRevision: textIn(windbreak, "policy_revision"),
  };
}

function reasonIn(code: unknown): DenialReason {
  const known: readonly DenialReason[] = [...REASONS, "unavailable", "unreadable"];
  return known.find((one) => one === code) ?? "rejected";
}

function textIn(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const text = value[name];
  return typeof text === "string" ? text : undefined;
}

function numberIn(value: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const number = value[name];
  return typeof number === "number" ? number : undefined;
}
