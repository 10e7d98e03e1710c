import { MAX_AMOUNT, type Tokens } from "../domain/units.js";
import type { BodyReader } from "./body-reader.js";
import type { JsonForm } from "./body-shapes.js";
import { countIn, nameIn, switchIn } from "./field-values.js";
import { type MistralCall, type Need, type Unreadable, unreadable } from "./mistral-call.js";
import { pagesIn } from "./ocr-pages.js";

/** What the template writes once: begin and end of the prompt, settings, the names of tool sections. */
const PROMPT_TOKENS = 64;
/** The largest picture, 1540 pixels a side: 55 rows of 56 tokens. */
const IMAGE_TOKENS = 3080;
/** The same for Pixtral, whose pieces are smaller: 64 rows of 65 tokens. */
const PIXTRAL_IMAGE_TOKENS = 4160;

/** Say what a JSON body that was read to its end asks for. */
export function callOf(form: JsonForm, body: BodyReader): MistralCall | Unreadable {
  if (body.wrong !== undefined) return unreadable(`${body.wrong} is of the wrong type`, body.wrong);
  const model = modelIn(form, body);
  if (typeof model !== "string") return model;
  const streams = switchIn(body.fields, "stream");
  if (typeof streams !== "boolean") return streams;
  const output = outputIn(body);
  if ("kind" in output) return output;
  const needs = needsOf(body);
  if ("kind" in needs) return needs;
  const pages = form === "ocr" ? pagesIn(body) : 0;
  if (typeof pages !== "number") return pages;

  const isStored = form === "agent" || body.fields.get("agent_id")?.kind === "string";
  const audioFillsContext = body.count("audio") > 0;
  return {
    kind: "call",
    model,
    streams,
    choices: output.choices,
    request: {
      inputTokens: form === "ocr" ? 0 : inputTokens(model, body),
      maxOutputTokens: output.maxOutputTokens,
      pages,
      audioSeconds: 0,
      annotatedPages: body.count("annotation") > 0,
    },
    fillsContext: isStored || audioFillsContext || body.count("unbounded") > 0 || needs.has("built_in_tools"),
    audioFillsContext,
    needs,
  };
}

function modelIn(form: JsonForm, { fields }: BodyReader): string | Unreadable {
  if (form === "agent") {
    return isSet(fields.get("model")) ? unreadable("an agent has its own model", "model") : nameIn(fields, "agent_id");
  }
  if (form !== "conversation" || !isSet(fields.get("agent_id"))) return nameIn(fields, "model");
  if (isSet(fields.get("model"))) return unreadable("agent_id and model exclude each other", "agent_id");
  return nameIn(fields, "agent_id");
}

function isSet(value: { readonly kind: string } | undefined): boolean {
  return value !== undefined && value.kind !== "null";
}

function outputIn({
  fields,
}: BodyReader): (Pick<MistralCall, "choices"> & { readonly maxOutputTokens: Tokens }) | Unreadable {
  const cap = countIn(fields, "max_tokens", 0) ?? 0;
  if (typeof cap !== "number") return cap;
  const choices = countIn(fields, "n", 1) ?? 1;
  if (typeof choices !== "number") return choices;
  // A product that is no safe integer is at least 2^53, and no rounding brings it below.
  if (cap * choices > MAX_AMOUNT) return unreadable("n x max_tokens is above 2^53-1", "max_tokens");
  return { choices, maxOutputTokens: cap * choices };
}

/** The tier that Mistral charges without more is the standard one; any other may cost more. */
function needsOf(body: BodyReader): ReadonlySet<Need> | Unreadable {
  const needs = new Set<Need>();
  const tier = body.fields.get("service_tier") ?? { kind: "null" };
  if (tier.kind !== "null" && tier.kind !== "string") return unreadable("service_tier must be a name", "service_tier");
  if (tier.kind === "string" && tier.text !== "standard_only") needs.add("priority_tier");
  if (body.count("built_in_tool") > 0 || body.count("tool") > body.count("function_tool")) needs.add("built_in_tools");
  return needs;
}

function inputTokens(model: string, body: BodyReader): Tokens {
  const perImage = /pixtral/i.test(model) ? PIXTRAL_IMAGE_TOKENS : IMAGE_TOKENS;
  return PROMPT_TOKENS + body.inputTokens + body.count("image") * perImage;
}
