import type { CallerName } from "../../app/ports.js";
import type { AccessRequest } from "../../domain/evaluate.js";
import { ENDPOINTS, type Endpoint } from "../../domain/model.js";
import type { Outcome, Usage } from "../../domain/settlement.js";
import type { EpochMs, NanoUsd, Tokens } from "../../domain/units.js";
import { LineFields } from "./line-fields.js";

/** A line of a decision log, as far as it is needed to decide again. */
export type LogLine = DecisionLine | SettlementLine | ReleaseLine;

/** What a line turned out to be. */
export type LineRead =
  | LogLine
  /** Written by a later release: there is nothing to be made of it, and nothing wrong with it. */
  | { readonly kind: "unknown_kind" }
  | { readonly kind: "another_version"; readonly version: number }
  /** Torn, or no line of a decision log; why stands in the middle of a sentence. */
  | { readonly kind: "unreadable"; readonly why: string };

export interface DecisionLine {
  readonly kind: "decision";
  readonly at: EpochMs;
  readonly allowed: boolean;
  readonly reason: string;
  /** Empty: its door refused it before it was a question to the policy. */
  readonly requestId: string;
  /** Empty: nothing was reserved. */
  readonly reservationId: string;
  readonly expiresAt: EpochMs | undefined;
  readonly caller: CallerName;
  readonly model: string;
  /** undefined: it was not read. */
  readonly asked: AskedAgain | undefined;
  /** Reserved, or what would have been. */
  readonly cost: NanoUsd;
  /** The limit that decided; undefined where a rule did. */
  readonly refusedBy: string | undefined;
  readonly dryRun: boolean;
  readonly degraded: boolean;
  /** The share of its kind that is written; 1: all. */
  readonly share: number;
  readonly policyRevision: string;
}

/** A question, to be decided once more. */
export interface AskedAgain {
  readonly model: string;
  readonly endpoint: Endpoint | undefined;
  readonly request: AccessRequest;
}

export interface SettlementLine {
  readonly kind: "settlement";
  readonly at: EpochMs;
  /** One of the two ids may be empty. */
  readonly requestId: string;
  readonly reservationId: string;
  readonly caller: CallerName;
  readonly model: string;
  readonly endpoint: Endpoint | undefined;
  readonly outcome: Outcome;
  /** As reported; undefined: nothing was. */
  readonly usage: Usage | undefined;
  readonly inputTokens: Tokens;
  readonly outputTokens: Tokens;
  /** Charged. */
  readonly cost: NanoUsd;
}

export interface ReleaseLine {
  readonly kind: "release";
  readonly at: EpochMs;
  readonly reservationId: string;
  /** Whether an operator gave it back; else its caller never saw the answer, and nobody remembers it. */
  readonly isRemembered: boolean;
}

const VERSION = 1;
const OUTCOMES = ["succeeded", "failed", "cancelled"] as const satisfies readonly Outcome[];

/** Read a line of a decision log, whatever is in it. Fields that are not known are passed over. */
export function readLine(text: string): LineRead {
  const fields = LineFields.parse(text);
  if (!fields) return { kind: "unreadable", why: "it is cut off, or no JSON object" };
  const version = fields.version();
  if (version === undefined) return { kind: "unreadable", why: "it is no line of a decision log" };
  if (version !== VERSION) return { kind: "another_version", version };
  const line = readKind(fields);
  return fields.fault === undefined ? line : { kind: "unreadable", why: fields.fault };
}

function readKind(fields: LineFields): LineRead {
  switch (fields.text("kind")) {
    case "decision":
      return readDecision(fields);
    case "settlement":
      return readSettlement(fields);
    case "release":
      return readRelease(fields);
    default:
      return { kind: "unknown_kind" };
  }
}

function readDecision(fields: LineFields): DecisionLine {
  const asked = fields.object("asked");
  const [first] = fields.objects("limits");
  return {
    kind: "decision",
    at: fields.time("time"),
    allowed: fields.flag("allowed"),
    reason: fields.text("reason"),
    requestId: fields.text("request_id"),
    reservationId: fields.text("reservation_id"),
    expiresAt: fields.has("expires_at") ? fields.time("expires_at") : undefined,
    caller: readCaller(fields),
    model: fields.text("model"),
    asked: asked && readAsked(asked),
    cost: fields.amount("cost_nano_usd"),
    // Those that refuse stand first, and first of all the one that decides.
    refusedBy: first?.flag("refuses") ? first.text("name") : undefined,
    dryRun: fields.flag("dry_run"),
    degraded: fields.flag("degraded"),
    share: fields.share("share"),
    policyRevision: fields.text("policy_revision"),
  };
}

function readAsked(fields: LineFields): AskedAgain {
  return {
    model: fields.text("model"),
    endpoint: fields.choice("endpoint", ENDPOINTS),
    request: {
      inputTokens: fields.amount("input_tokens"),
      maxOutputTokens: fields.amount("max_output_tokens"),
      pages: fields.amount("pages"),
      audioSeconds: fields.amount("audio_seconds"),
      annotatedPages: fields.flag("annotated_pages"),
      ...(fields.has("choices") && { choices: fields.amount("choices") }),
      ...(fields.flag("fills_context") && { fillsContext: true }),
    },
  };
}

function readSettlement(fields: LineFields): SettlementLine {
  const usage = fields.object("usage");
  return {
    kind: "settlement",
    at: fields.time("time"),
    requestId: fields.text("request_id"),
    reservationId: fields.text("reservation_id"),
    caller: readCaller(fields),
    model: fields.text("model"),
    endpoint: fields.choice("endpoint", ENDPOINTS),
    outcome: fields.choice("outcome", OUTCOMES) ?? "succeeded",
    usage: usage && readUsage(usage),
    inputTokens: fields.amount("input_tokens"),
    outputTokens: fields.amount("output_tokens"),
    cost: fields.amount("cost_nano_usd"),
  };
}

function readUsage(fields: LineFields): Usage {
  const inputTokens = fields.amount("input_tokens");
  return {
    inputTokens,
    // No service writes more of them: it would make the rest a negative number.
    cachedInputTokens: Math.min(fields.amount("cached_input_tokens"), inputTokens),
    outputTokens: fields.amount("output_tokens"),
    pages: fields.amount("pages"),
    audioSeconds: fields.amount("audio_seconds"),
    annotatedPages: fields.flag("annotated_pages"),
  };
}

function readRelease(fields: LineFields): ReleaseLine {
  const isRemembered = fields.text("why") === "operator";
  return { kind: "release", at: fields.time("time"), reservationId: fields.text("reservation_id"), isRemembered };
}

function readCaller(fields: LineFields): CallerName {
  return { principal: fields.text("principal"), role: fields.text("role"), workspace: fields.text("workspace") };
}
