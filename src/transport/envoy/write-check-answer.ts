import type { LimitReport } from "../../app/limit-report.js";
import type { EpochMs, Millis } from "../../domain/units.js";
import { CheckResponse, type HeaderValueOption } from "../../gen/envoy/service/auth/v3/external_auth.js";
import { errorBody } from "../../mistral/error-body.js";
import { OTHER_KEY_HEADER, secondsUntil, writeAdmission } from "./admission-writer.js";
import type { CheckAnswer, Passed, Rejected } from "./check-answer.js";
import { tightest } from "./tightest.js";

const OK = 0;
/** google.rpc.Code: what Envoy asks of a denial is only that it is not 0. */
const PERMISSION_DENIED = 7;
const TRY_AGAIN_MS: Millis = 1_000;

/** Write an answer as Envoy reads it. */
export function writeCheckAnswer(answer: CheckAnswer, now: EpochMs): Buffer {
  if (answer.kind === "admitted") return writeAdmission(answer, tightest(answer.decision.limits), now);
  const message = answer.kind === "rejected" ? refusal(answer, now) : passage(answer);
  return Buffer.from(CheckResponse.encode(message).finish());
}

function passage(answer: Passed): CheckResponse {
  return {
    status: { code: OK },
    httpResponse: {
      $case: "okResponse",
      value: {
        headers: [header("authorization", `Bearer ${answer.upstreamKey}`)],
        headersToRemove: [OTHER_KEY_HEADER],
        responseHeadersToAdd: [],
      },
    },
    dynamicMetadata: { windbreak_reason: "allowed", windbreak_policy_revision: answer.policyRevision },
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
  if (report.resetsAt !== undefined) headers.push(header("x-windbreak-reset", secondsUntil(report.resetsAt, now)));
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
