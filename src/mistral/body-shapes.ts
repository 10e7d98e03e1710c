import { CHAT_INPUT, ENTRY, INPUT, MESSAGE, TOOLS } from "./content-shapes.js";
import type { Form } from "./route.js";
import { FREE, JSON_VALUE, members, type Rule, same, TEXT } from "./rule.js";

const UNBOUNDED: Rule = { whole: "free", mark: "unbounded" };

/** Steers sampling, storage or billing and stands in no prompt. */
const STEERING = same(FREE, [
  "frequency_penalty",
  "metadata",
  "min_tokens",
  "parallel_tool_calls",
  "presence_penalty",
  "prompt_cache_key",
  "random_seed",
  "stop",
  "temperature",
  "top_p",
]);

const COMMON = {
  ...STEERING,
  model: { whole: "free", field: "model" },
  service_tier: { whole: "free", field: "service_tier" },
} satisfies Record<string, Rule>;

const STREAM: Rule = { whole: "free", field: "stream" };
const MAX_TOKENS: Rule = { whole: "free", field: "max_tokens" };
const AGENT_ID: Rule = { whole: "free", field: "agent_id" };

const GENERATING = {
  guardrails: UNBOUNDED,
  prediction: { members: members({ type: FREE, content: TEXT }) },
  prompt_mode: UNBOUNDED,
  reasoning_effort: TEXT,
  response_format: JSON_VALUE,
  safe_prompt: UNBOUNDED,
  tool_choice: { string: "free" },
  tools: TOOLS,
} satisfies Record<string, Rule>;

const CHAT = {
  ...COMMON,
  ...GENERATING,
  stream: STREAM,
  max_tokens: MAX_TOKENS,
  n: { whole: "free", field: "n" },
  messages: { items: MESSAGE, param: "messages" },
} satisfies Record<string, Rule>;

const DOCUMENT: Rule = {
  param: "document",
  members: members({
    type: { whole: "free", mark: "other_document", exceptFor: new Set(["image_url"]) },
    image_url: { whole: "free", mark: "image_document" },
  }),
  other: { whole: "free", mark: "other_document" },
};

/** The forms whose bodies are JSON that says what the call may cost. */
export type JsonForm = Exclude<Form, "stored_conversation" | "transcription">;

/**
 * What the body of each form means, by its members.
 *
 * Mistral refuses members that it does not know, so that one which is not named here costs its bytes: were it known to
 * Mistral since, it would hardly cost more.
 */
export const BODY_SHAPES: Readonly<Record<JsonForm, Rule>> = {
  chat: { members: members(CHAT) },
  agent: { members: members({ ...CHAT, agent_id: AGENT_ID }) },
  fim: {
    members: members({
      ...COMMON,
      stream: STREAM,
      max_tokens: MAX_TOKENS,
      prompt: { string: "text", param: "prompt" },
      suffix: { string: "text", param: "suffix" },
    }),
  },
  conversation: {
    members: members({
      ...COMMON,
      ...GENERATING,
      ...same(FREE, ["agent_version", "description", "handoff_execution", "name", "store"]),
      agent_id: AGENT_ID,
      stream: STREAM,
      inputs: { string: "text", items: ENTRY, param: "inputs" },
      instructions: { string: "text", param: "instructions" },
      completion_args: {
        param: "completion_args",
        members: members({ ...STEERING, ...GENERATING, max_tokens: MAX_TOKENS }),
      },
    }),
  },
  input: {
    members: members({
      ...COMMON,
      ...same(FREE, ["encoding_format", "output_dimension", "output_dtype"]),
      input: { ...INPUT, param: "input" },
    }),
  },
  chat_input: { members: members({ ...COMMON, input: CHAT_INPUT }) },
  ocr: {
    members: members({
      ...COMMON,
      document: DOCUMENT,
      pages: { string: "free", items: { isCount: true, mark: "page", param: "pages" }, field: "pages", param: "pages" },
      ...same({ whole: "free", mark: "annotation" }, ["bbox_annotation_format", "document_annotation_format"]),
    }),
    other: FREE,
  },
};
