import type { AccessRequest } from "../domain/evaluate.js";
import { ID, NAME } from "../domain/names.js";
import type { Usage } from "../domain/settlement.js";
import { MAX_AMOUNT } from "../domain/units.js";
import { badField, type Fault } from "./fault.js";

const LABEL_KEY = /^[a-z0-9_.-]{1,64}$/;
const MAX_LABELS = 16;
const MAX_LABEL_BYTES = 128;

/** The principal that a message names; parts may be empty. */
export interface PrincipalName {
  readonly id: string;
  readonly role: string;
  readonly workspace: string;
  /** Not the message says so: a credential proved it, and trust rules may have made it of one. */
  readonly isProved?: true;
}

export type Labels = Readonly<Record<string, string>>;

/** Find what is wrong with an id that must be there. */
export function faultInId(field: string, value: string): Fault | undefined {
  if (ID.test(value)) return undefined;
  if (value === "") return badField(field, "is required");
  return badField(
    field,
    "must be 1 to 128 printable ASCII characters without space, double quote, backslash or braces",
  );
}

/** Find what is wrong with the parts of a principal that are there. */
export function faultInPrincipal({ id, role, workspace }: PrincipalName): Fault | undefined {
  if (id !== "" && !ID.test(id)) return faultInId("principal.id", id);
  if (role !== "" && !NAME.test(role)) return badName("principal.role");
  if (workspace !== "" && !NAME.test(workspace)) return badName("principal.workspace");
  return undefined;
}

function badName(field: string): Fault {
  return badField(field, "must be 1 to 64 letters, digits, underscores or hyphens");
}

/** Find what is wrong with the numbers of a request. */
export function faultInRequest(request: AccessRequest): Fault | undefined {
  return (
    faultInAmount("input_tokens", request.inputTokens) ??
    faultInAmount("max_output_tokens", request.maxOutputTokens) ??
    faultInAmount("pages", request.pages) ??
    faultInAmount("audio_seconds", request.audioSeconds)
  );
}

/** Find what is wrong with reported usage. */
export function faultInUsage(usage: Usage): Fault | undefined {
  const cached = "usage.cached_input_tokens";
  return (
    faultInAmount("usage.input_tokens", usage.inputTokens) ??
    faultInAmount(cached, usage.cachedInputTokens) ??
    faultInAmount("usage.output_tokens", usage.outputTokens) ??
    faultInAmount("usage.pages", usage.pages) ??
    faultInAmount("usage.audio_seconds", usage.audioSeconds) ??
    (usage.cachedInputTokens > usage.inputTokens
      ? badField(cached, "is above input_tokens, which include it")
      : undefined) ??
    (usage.inputTokens + usage.outputTokens > MAX_AMOUNT
      ? badField("usage.output_tokens", "with input_tokens is above 2^53-1")
      : undefined)
  );
}

function faultInAmount(field: string, amount: number): Fault | undefined {
  if (amount >= 0 && amount <= MAX_AMOUNT) return undefined;
  return badField(field, amount < 0 ? "must not be negative" : "is above 2^53-1");
}

/** Find what is wrong with labels. */
export function faultInLabels(labels: Labels): Fault | undefined {
  let count = 0;
  for (const key in labels) {
    if (++count > MAX_LABELS) return badField("labels", `must be at most ${MAX_LABELS}`);
    if (!LABEL_KEY.test(key)) {
      return badField("labels", "keys must be 1 to 64 lower-case letters, digits, underscores, dots or hyphens");
    }
    if (Buffer.byteLength(labels[key] ?? "") > MAX_LABEL_BYTES) {
      return badField(`labels.${key}`, `must be at most ${MAX_LABEL_BYTES} bytes`);
    }
  }
  return undefined;
}
