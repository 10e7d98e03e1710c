import type { Decided, Question } from "../../app/decision-log.js";
import type { EpochMs } from "../../domain/units.js";
import { amountField, flagField, listField, mapField, numberField, quoted, textField } from "./json-fields.js";
import type { LimitFields } from "./limit-fields.js";

type Answer = Decided["answer"];

export interface DecisionFieldsOptions {
  /** Which share of the allowed decisions is written. */
  readonly share: number;
  readonly limits: LimitFields;
  readonly instant: (at: EpochMs) => string;
}

/** Write the fields of a decision. What is false, empty or unknown is left out. */
export function decisionFields(facts: Decided, options: DecisionFieldsOptions): string {
  const { question, caller, answer } = facts;
  const isAllowed = answer.kind === "allowed";
  return (
    `,"allowed":${isAllowed},"reason":"${facts.reason}"` +
    (isAllowed ? ',"http_status":200' : refusalFields(answer)) +
    textField("request_id", requestIdOf(answer) || question?.requestId) +
    textField("principal", caller.principal) +
    textField("role", caller.role) +
    textField("workspace", caller.workspace) +
    textField("model", facts.model) +
    textField("endpoint", facts.endpoint) +
    (question ? askedField(question) : "") +
    amountFields(facts) +
    options.limits.field(facts) +
    answerFields(answer, options) +
    (question ? mapField("labels", question.labels) : "") +
    flagField("dry_run", facts.dryRun) +
    flagField("degraded", facts.degraded) +
    (isAllowed && !facts.degraded && options.share < 1 ? numberField("share", options.share) : "")
  );
}

function refusalFields({ httpStatus, message }: Exclude<Answer, { kind: "allowed" }>): string {
  return `,"http_status":${httpStatus}${textField("message", message)}`;
}

function requestIdOf(answer: Answer): string {
  if (answer.kind === "allowed") return answer.grant.requestId;
  return answer.kind === "denied" ? answer.requestId : "";
}

function askedField({ model, endpoint, request }: Question): string {
  const { inputTokens, maxOutputTokens, pages, audioSeconds, annotatedPages, choices, fillsContext } = request;
  return (
    `,"asked":{"model":${quoted(model)}${textField("endpoint", endpoint)}` +
    `,"input_tokens":${inputTokens},"max_output_tokens":${maxOutputTokens}` +
    amountField("pages", pages) +
    amountField("audio_seconds", audioSeconds) +
    flagField("annotated_pages", annotatedPages) +
    numberField("choices", choices) +
    `${flagField("fills_context", fillsContext)}}`
  );
}

/** What is reserved, or would be. A repeat has what the first answer said. */
function amountFields({ answer, worst }: Decided): string {
  const isAllowed = answer.kind === "allowed";
  return (
    numberField("input_tokens", worst?.inputTokens) +
    numberField("max_output_tokens", isAllowed ? answer.grant.outputTokens : worst?.outputTokens) +
    numberField("cost_nano_usd", isAllowed ? answer.grant.cost : worst?.cost)
  );
}

function answerFields(answer: Answer, { instant }: DecisionFieldsOptions): string {
  switch (answer.kind) {
    case "allowed": {
      const { reservationId, expiresAt, shadowDenials, policyRevision } = answer.grant;
      const reserved =
        reservationId === ""
          ? ""
          : `${textField("reservation_id", reservationId)},"expires_at":"${instant(expiresAt)}"`;
      return reserved + listField("shadow_denials", shadowDenials) + textField("policy_revision", policyRevision);
    }
    case "denied":
      return (
        numberField("retry_after_ms", answer.retryAfterMs) +
        listField("shadow_denials", answer.shadowDenials) +
        textField("policy_revision", answer.policyRevision)
      );
    case "turned_away":
      return textField("policy_revision", answer.policyRevision);
  }
}
