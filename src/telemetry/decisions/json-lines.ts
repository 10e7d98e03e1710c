import type { Origin, Released, Settled } from "../../app/decision-log.js";
import { readTraceContext } from "../../app/trace-context.js";
import type { EpochMs, Millis } from "../../domain/units.js";
import { withoutKeys } from "../without-keys.js";
import { decisionFields } from "./decision-fields.js";
import type { Entry, SettlementEntry } from "./entry.js";
import { amountField, flagField, mapField, numberField, quoted, textField } from "./json-fields.js";
import { LimitFields } from "./limit-fields.js";

/** Of what docs/decision-log.md describes: another number means that a field changed its meaning or is gone. */
const VERSION = 1;

export interface JsonLinesOptions {
  /** Who writes: which machine, which process. */
  readonly replica: string;
  /** Which share of the allowed decisions is written. */
  readonly share: number;
}

/**
 * Make the function that writes an entry as JSON, on one line without its end.
 *
 * A caller may name itself, its model or a label by a key, by mistake or not: no such key is written.
 */
export function jsonLines({ replica, share }: JsonLinesOptions): (entry: Entry) => string {
  const who = quoted(replica);
  const timeOf = instants();
  const options = { share, limits: new LimitFields(), instant: instants() };
  const fieldsOf = (entry: Entry): string => {
    switch (entry.kind) {
      case "decision":
        return decisionFields(entry.facts, options) + originFields(entry.facts.origin, entry.tookMs);
      case "settlement":
        return settlementFields(entry);
      case "release":
        return releaseFields(entry.facts);
    }
  };
  return (entry) => {
    const head = `{"v":${VERSION},"kind":"${entry.kind}","time":"${timeOf(entry.at)}","replica":${who}`;
    return withoutKeys(`${head}${fieldsOf(entry)}}`);
  };
}

function settlementFields({ facts, tookMs }: SettlementEntry): string {
  const { call, caller, model, amounts, unreserved, policyRevision, origin } = facts;
  return (
    textField("request_id", call.requestId) +
    textField("reservation_id", call.reservationId) +
    textField("principal", caller.principal) +
    textField("role", caller.role) +
    textField("workspace", caller.workspace) +
    textField("model", model) +
    textField("endpoint", call.endpoint) +
    textField("outcome", call.outcome) +
    (call.usage ? usageField(call.usage) : "") +
    `,"input_tokens":${amounts.inputTokens},"output_tokens":${amounts.outputTokens},"cost_nano_usd":${amounts.cost}` +
    flagField("unreserved", unreserved) +
    textField("policy_revision", policyRevision) +
    mapField("labels", call.labels) +
    (origin ? originFields(origin, tookMs) : textField("door", "pending"))
  );
}

/** As reported; what is 0 is left out, but for the tokens. */
function usageField(usage: NonNullable<Settled["call"]["usage"]>): string {
  return (
    `,"usage":{"input_tokens":${usage.inputTokens},"output_tokens":${usage.outputTokens}` +
    amountField("cached_input_tokens", usage.cachedInputTokens) +
    amountField("pages", usage.pages) +
    amountField("audio_seconds", usage.audioSeconds) +
    `${flagField("annotated_pages", usage.annotatedPages)}}`
  );
}

function releaseFields({ reservationId, why }: Released): string {
  return textField("reservation_id", reservationId) + textField("why", why);
}

function originFields(origin: Origin | undefined, tookMs: Millis | undefined): string {
  if (!origin) return "";
  const took = tookMs === undefined ? "" : numberField("duration_us", Math.round(tookMs * 1000));
  const span = origin.traceparent === undefined ? undefined : readTraceContext(origin.traceparent);
  const trace = span ? `,"trace_id":"${span.traceId}","span_id":"${span.spanId}"` : "";
  return textField("door", origin.door) + took + trace;
}

/** Many entries of one batch share their millisecond. */
function instants(): (at: EpochMs) => string {
  let last = Number.NaN;
  let text = "";
  return (at) => {
    if (at !== last) text = new Date(at).toISOString();
    last = at;
    return text;
  };
}
