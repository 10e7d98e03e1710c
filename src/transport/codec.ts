import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { AuthorizeCall } from "../app/authorize.js";
import type { Budget, CheckBudgetCall, ModelStatus as ModelVerdict } from "../app/check-budget.js";
import type { Allowed, Decision } from "../app/decision.js";
import { badField } from "../app/fault.js";
import type { PrincipalName } from "../app/forms.js";
import type { LimitReport } from "../app/limit-report.js";
import type { Recorded } from "../app/record-usage.js";
import type { RecordUsageCall } from "../app/usage-report.js";
import type { Outcome } from "../domain/settlement.js";
import {
  AuthorizeRequest,
  AuthorizeResponse,
  AuthorizeStreamRequest,
  AuthorizeStreamResponse,
  CheckBudgetRequest,
  CheckBudgetResponse,
  type LimitStatus,
  type ModelStatus,
  type Principal,
  RecordUsageRequest,
  RecordUsageResponse,
} from "../gen/windbreak/v1/policy_decision.js";
import { writeAllowed, writeAllowedInStream } from "./allowed-writer.js";
import { endpointOf, METRIC_NUMBERS, REASON_NUMBERS, WINDOW_NUMBERS } from "./enums.js";
import { type MessageShape, type Misread, misreadOf, NO_MESSAGE } from "./misread.js";
import { toDuration, toTimestamp } from "./times.js";
import { areFields, strictReader } from "./wire.js";

const NOBODY: PrincipalName = { id: "", role: "", workspace: "" };
const ALLOWED_STATUS = 200;

const AUTHORIZE: MessageShape = {
  requestId: 1,
  integers: { 4: "input_tokens", 5: "max_output_tokens", 9: "pages", 10: "audio_seconds" },
  messages: {},
};
const USAGE: MessageShape = {
  integers: { 1: "input_tokens", 2: "cached_input_tokens", 3: "output_tokens", 4: "pages", 5: "audio_seconds" },
  messages: {},
};
const RECORD_USAGE: MessageShape = { requestId: 2, integers: {}, messages: { 6: { name: "usage", shape: USAGE } } };
const CHECK_BUDGET: MessageShape = { integers: {}, messages: {} };
const STREAM_QUESTION: MessageShape = { integers: {}, messages: { 1: { name: "", shape: AUTHORIZE } } };

/** Read a message, or say why it cannot be read. */
type Reader<Call> = (bytes: Buffer) => Call | Misread;

/** Read a question. */
export const readAuthorize: Reader<AuthorizeCall> = (bytes) =>
  reading(bytes, AUTHORIZE, () => authorizeCall(AuthorizeRequest.decode(strictReader(bytes))));

/** Read a question of a stream, where it needs a request_id to pair its answer with. */
export const readQuestion: Reader<AuthorizeCall> = (bytes) =>
  reading(bytes, STREAM_QUESTION, () => {
    const { request } = AuthorizeStreamRequest.decode(strictReader(bytes));
    if (!request) return { fault: badField("request", "is required"), isMessage: true, requestId: "" };
    if (request.requestId !== "") return authorizeCall(request);
    const fault = badField("request_id", "is required on a stream, to pair answer and question");
    return { fault, isMessage: true, requestId: "" };
  });

/** Read a report of usage. */
export const readRecordUsage: Reader<RecordUsageCall> = (bytes) =>
  reading(bytes, RECORD_USAGE, () => recordUsageCall(RecordUsageRequest.decode(strictReader(bytes))));

/** Read a question about a budget. */
export const readCheckBudget: Reader<CheckBudgetCall> = (bytes) =>
  reading(bytes, CHECK_BUDGET, () => {
    const { principal, model } = CheckBudgetRequest.decode(strictReader(bytes));
    return { principal: principal ?? NOBODY, model };
  });

/** Decode by the generated code, whose every complaint is about the bytes. */
function reading<Call>(bytes: Uint8Array, shape: MessageShape, decode: () => Call | Misread): Call | Misread {
  if (!areFields(bytes)) return NO_MESSAGE;
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return misreadOf(bytes, shape);
  }
}

/** Take a decoded question as a call. */
function authorizeCall(message: AuthorizeRequest): AuthorizeCall | Misread {
  const endpoint = endpointOf(message.endpoint);
  if (endpoint === "unknown") return unknownNumber("endpoint", message.endpoint, message.requestId);
  return {
    requestId: message.requestId,
    principal: message.principal ?? NOBODY,
    model: message.model,
    endpoint,
    request: message,
    labels: message.labels,
    dryRun: message.dryRun,
    includeLimits: message.includeLimits,
  };
}

const OUTCOMES: readonly Outcome[] = ["succeeded", "succeeded", "failed", "cancelled"];

function recordUsageCall(message: RecordUsageRequest): RecordUsageCall | Misread {
  const endpoint = endpointOf(message.endpoint);
  if (endpoint === "unknown") return unknownNumber("endpoint", message.endpoint, message.requestId);
  const outcome = OUTCOMES[message.outcome];
  if (outcome === undefined) return unknownNumber("outcome", message.outcome, message.requestId);
  return { ...message, principal: message.principal ?? NOBODY, endpoint, outcome, usage: message.usage };
}

function unknownNumber(field: string, number: number, requestId: string): Misread {
  return { fault: badField(field, `${number} is no number of its enum`), isMessage: true, requestId };
}

/** Write the answer to a question. */
export function writeDecision(decision: Decision): Buffer {
  if (isOrdinary(decision)) return writeAllowed(decision.grant);
  return bufferOf(AuthorizeResponse.encode(decisionMessage(decision)));
}

/** Write the answer to a question on a stream. */
export function writeDecisionInStream(decision: Decision): Buffer {
  if (isOrdinary(decision)) return writeAllowedInStream(decision.grant);
  const value = decisionMessage(decision);
  return bufferOf(AuthorizeStreamResponse.encode({ requestId: value.requestId, result: { $case: "response", value } }));
}

/** Write that a question on a stream was at fault. */
export function writeErrorInStream(requestId: string, code: number, message: string): Buffer {
  return bufferOf(AuthorizeStreamResponse.encode({ requestId, result: { $case: "error", value: { code, message } } }));
}

/** An admission with nothing to add: no limits asked for, none in shadow, counted by the store. */
function isOrdinary(decision: Decision): decision is Allowed {
  if (decision.kind === "denied") return false;
  const { grant, limits, degraded } = decision;
  return limits.length === 0 && !degraded && grant.reservationId !== "" && grant.shadowDenials.length === 0;
}

/** Take a decision as a message. */
function decisionMessage(decision: Decision): AuthorizeResponse {
  if (decision.kind === "denied") {
    const { requestId, reason, message, model, httpStatus, policyRevision, retryAfterMs } = decision;
    return {
      requestId,
      allowed: false,
      reason: REASON_NUMBERS[reason],
      message,
      reservationId: "",
      model,
      maxOutputTokens: 0,
      estimatedCostNanoUsd: 0,
      limits: decision.limits.map(limitStatus),
      retryAfter: retryAfterMs === undefined ? undefined : toDuration(retryAfterMs),
      httpStatus,
      policyRevision,
      degraded: false,
      shadowDenials: [...decision.shadowDenials],
    };
  }
  const { grant, limits, degraded } = decision;
  return {
    requestId: grant.requestId,
    allowed: true,
    reason: REASON_NUMBERS.allowed,
    message: "",
    reservationId: grant.reservationId,
    reservationExpiresAt: grant.reservationId === "" ? undefined : toTimestamp(grant.expiresAt),
    model: grant.model,
    maxOutputTokens: grant.outputTokens,
    estimatedCostNanoUsd: grant.cost,
    limits: limits.map(limitStatus),
    httpStatus: ALLOWED_STATUS,
    policyRevision: grant.policyRevision,
    degraded,
    shadowDenials: [...grant.shadowDenials],
  };
}

/** Write what was charged. */
export function writeRecorded({ cost, already, limits, policyRevision, unreserved }: Recorded): Buffer {
  return bufferOf(
    RecordUsageResponse.encode({
      costNanoUsd: cost,
      alreadyRecorded: already,
      limits: limits.map(limitStatus),
      policyRevision,
      unreserved,
    }),
  );
}

/** Write what is left. */
export function writeBudget({ limits, policyRevision, allowedModels, modelStatus, principal }: Budget): Buffer {
  return bufferOf(
    CheckBudgetResponse.encode({
      limits: limits.map(limitStatus),
      policyRevision,
      allowedModels: [...allowedModels],
      degraded: false,
      modelStatus: modelStatus && modelMessage(modelStatus),
      principal: principalMessage(principal),
    }),
  );
}

/** The bytes of a message, without a copy. */
function bufferOf(writer: BinaryWriter): Buffer {
  const { buffer, byteOffset, byteLength } = writer.finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

function principalMessage({ id, role, workspace }: PrincipalName): Principal {
  return { id, role, workspace };
}

function modelMessage({ model, reason, ...prices }: ModelVerdict): ModelStatus {
  return {
    model,
    allowed: reason === "allowed",
    reason: REASON_NUMBERS[reason],
    inputTokenNanoUsd: prices.inputToken,
    cachedInputTokenNanoUsd: prices.cachedInputToken,
    outputTokenNanoUsd: prices.outputToken,
    pageNanoUsd: prices.page,
    annotatedPageNanoUsd: prices.annotatedPage,
    audioSecondNanoUsd: prices.audioSecond,
  };
}

/** Take a limit and how it stands as a message. */
export function limitStatus({ limit, scopeId, used, reserved, remaining, resetsAt }: LimitReport): LimitStatus {
  return {
    name: limit.name,
    metric: METRIC_NUMBERS[limit.metric],
    window: WINDOW_NUMBERS[limit.window],
    ceiling: limit.ceiling,
    used,
    reserved,
    remaining,
    resetsAt: resetsAt === undefined ? undefined : toTimestamp(resetsAt),
    scopeId,
    shadow: limit.shadow,
  };
}
