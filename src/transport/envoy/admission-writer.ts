import type { LimitReport } from "../../app/limit-report.js";
import type { EpochMs } from "../../domain/units.js";
import type { Admitted } from "./check-answer.js";

// Fields of CheckResponse and of what it holds, each by its number and "holds bytes": number * 8 + 2. As text, because
// everything here is ASCII: a message is put together as one text and becomes bytes in one step.
const STATUS = "\x0a";
const OK_RESPONSE = "\x1a";
const DYNAMIC_METADATA = "\x22";
const HEADERS = "\x12";
const HEADERS_TO_REMOVE = "\x2a";
const RESPONSE_HEADERS = "\x32";
/** Of HeaderValueOption: a BoolValue that says false. */
const NO_APPEND = "\x12\x00";
const FIRST = "\x0a";
const SECOND = "\x12";
const STRING_VALUE = "\x1a";

/** Mistral takes a key here too. */
export const OTHER_KEY_HEADER = "x-api-key";

const WITH_EVERY_KEY =
  field(HEADERS_TO_REMOVE, OTHER_KEY_HEADER) + header(RESPONSE_HEADERS, "x-windbreak-reason", "allowed");

/** Parts that many answers have in common, by what they are made of. */
const parts = new Map<string, string>();
const MOST_PARTS = 256;

/**
 * Write that a call may go on, as the generated encoder would.
 *
 * It is what most calls get, and the generated encoder spends more time on it than the decision takes. Tests hold this
 * one against the generated decoder.
 *
 * @param admitted whose names and key are ASCII, as names and keys are.
 * @param told the limit that the client is told of.
 */
export function writeAdmission(admitted: Admitted, told: LimitReport | undefined, now: EpochMs): Buffer {
  const response = keyPart(admitted.upstreamKey) + (told ? limitPart(told, now) : "");
  const noted = namesPart(admitted) + ownPart(admitted);
  const message = `${STATUS}\0${field(OK_RESPONSE, response)}${field(DYNAMIC_METADATA, noted)}`;
  return Buffer.from(message, "latin1");
}

/** What goes to Mistral, and the reason for the client. A key is kept nowhere but where it is read. */
function keyPart(upstreamKey: string): string {
  return header(HEADERS, "authorization", `Bearer ${upstreamKey}`) + WITH_EVERY_KEY;
}

function limitPart({ limit, remaining, resetsAt }: LimitReport, now: EpochMs): string {
  const named = `limit ${limit.name}`;
  const name = parts.get(named) ?? kept(named, header(RESPONSE_HEADERS, "x-windbreak-limit", limit.name));
  const left = header(RESPONSE_HEADERS, "x-windbreak-remaining", String(remaining));
  if (resetsAt === undefined) return name + left;
  return name + left + header(RESPONSE_HEADERS, "x-windbreak-reset", secondsUntil(resetsAt, now));
}

/** The store's clock says when, and may be ahead of this one. */
export function secondsUntil(instant: EpochMs, now: EpochMs): string {
  return String(Math.max(0, Math.ceil((instant - now) / 1000)));
}

/** What is noted of the caller and its call, and differs little. */
function namesPart({ decision, who, endpoint, streams, annotatedPages }: Admitted): string {
  const { grant, workspace, degraded } = decision;
  const { policyRevision, model } = grant;
  const key = `${policyRevision} ${who.id} ${who.role} ${workspace} ${model} ${endpoint} ${streams} ${annotatedPages} ${degraded}`;
  return (
    parts.get(key) ??
    kept(
      key,
      note("windbreak_reason", "allowed") +
        note("windbreak_policy_revision", policyRevision) +
        note("windbreak_principal", who.id) +
        note("windbreak_role", who.role) +
        note("windbreak_workspace", workspace) +
        note("windbreak_model", model) +
        note("windbreak_endpoint", endpoint) +
        (streams ? note("windbreak_stream", "true") : "") +
        (annotatedPages ? note("windbreak_annotated_pages", "true") : "") +
        (degraded ? note("windbreak_degraded", "true") : ""),
    )
  );
}

/** What is noted of this call alone. Texts: numbers are doubles in there. */
function ownPart({ decision, inputTokens, audioSeconds, pages }: Admitted): string {
  const { reservationId, outputTokens } = decision.grant;
  const audio = audioSeconds > 0 ? note("windbreak_audio_seconds", String(audioSeconds)) : "";
  return (
    note("windbreak_reservation_id", reservationId) +
    note("windbreak_input_tokens", String(inputTokens)) +
    note("windbreak_max_output_tokens", String(outputTokens)) +
    audio +
    (pages > 0 ? note("windbreak_pages", String(pages)) : "")
  );
}

function kept(key: string, part: string): string {
  if (parts.size === MOST_PARTS) parts.clear();
  parts.set(key, part);
  return part;
}

/** A HeaderValueOption. It replaces what stands there, in every version of Envoy. */
function header(tag: string, key: string, value: string): string {
  return field(tag, field(FIRST, field(FIRST, key) + field(SECOND, value)) + NO_APPEND);
}

/** A member of a Struct. */
function note(key: string, value: string): string {
  return field(FIRST, field(FIRST, key) + field(SECOND, field(STRING_VALUE, value)));
}

function field(tag: string, content: string): string {
  return tag + lengthOf(content.length) + content;
}

/** A varint. */
function lengthOf(length: number): string {
  if (length < 0x80) return String.fromCharCode(length);
  return String.fromCharCode((length % 0x80) | 0x80) + lengthOf(Math.floor(length / 0x80));
}
