import type { Endpoint } from "../../../src/domain/model.js";

/** An answer in the shape in which Mistral gives it, with made-up words. */
export interface RecordedAnswer {
  readonly endpoint: Endpoint;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const JSON_TYPE = "application/json";
const STREAM_TYPE = "text/event-stream; charset=utf-8";

function document(endpoint: Endpoint, body: unknown, status = 200): RecordedAnswer {
  return { endpoint, status, contentType: JSON_TYPE, body: JSON.stringify(body) };
}

function stream(endpoint: Endpoint, body: string): RecordedAnswer {
  return { endpoint, status: 200, contentType: STREAM_TYPE, body };
}

function unnamed(...events: readonly unknown[]): string {
  return `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`;
}

function named(...events: readonly { readonly type: string }[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

/** A piece of a completion as it streams. */
export function completionChunk(delta: unknown, rest: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    id: "cmpl-7d1f",
    object: "chat.completion.chunk",
    created: 1_765_000_000,
    model: "mistral-small-latest",
    choices: [{ index: 0, delta, finish_reason: null }],
    ...rest,
  };
}

function lastChunk(reason: string, usage: unknown): unknown {
  return completionChunk(undefined, {
    choices: [{ index: 0, delta: { content: "" }, finish_reason: reason }],
    usage,
  });
}

function completion(object: string, model: string, message: unknown, usage: unknown): unknown {
  return {
    id: "cmpl-7d1f",
    object,
    created: 1_765_000_000,
    model,
    usage,
    choices: [{ index: 0, finish_reason: "stop", message }],
  };
}

export const CHAT = document(
  "chat_completions",
  completion(
    "chat.completion",
    "mistral-small-latest",
    { role: "assistant", tool_calls: null, content: 'Élan, and a "usage": {"prompt_tokens": 1} that is only text.' },
    {
      prompt_tokens: 200,
      total_tokens: 217,
      completion_tokens: 17,
      num_cached_tokens: 128,
      prompt_tokens_details: { cached_tokens: 128 },
      prompt_audio_seconds: null,
      service_tier: "standard",
    },
  ),
);

export const CHAT_WITH_AUDIO = document(
  "chat_completions",
  completion(
    "chat.completion",
    "voxtral-small-latest",
    { role: "assistant", content: "A bell." },
    {
      prompt_audio_seconds: 19,
      prompt_tokens: 10,
      total_tokens: 452,
      completion_tokens: 67,
    },
  ),
);

/** Its text is 28 bytes: 14 of thoughts, 14 of words. */
export const CHAT_STREAM = stream(
  "chat_completions",
  unnamed(
    completionChunk({ role: "assistant", content: "" }),
    completionChunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm, one two…" }] }] }),
    completionChunk({ content: "Un été 🌞" }),
    completionChunk({ content: "." }),
    lastChunk("stop", { prompt_tokens: 10, total_tokens: 285, completion_tokens: 275 }),
  ),
);

/** The name and the arguments are 31 bytes. */
export const CHAT_STREAM_OF_A_TOOL_CALL = stream(
  "chat_completions",
  unnamed(
    completionChunk({ role: "assistant", content: "" }),
    completionChunk(undefined, {
      choices: [
        {
          index: 0,
          delta: {
            content: "",
            tool_calls: [
              {
                id: "D681PevKs",
                type: "function",
                index: 0,
                function: { name: "find_train", arguments: '{"from": "Montréal"}' },
              },
            ],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: { prompt_tokens: 96, total_tokens: 119, completion_tokens: 23 },
    }),
  ),
);

export const FIM = document(
  "fim_completions",
  completion(
    "chat.completion",
    "codestral-latest",
    { role: "assistant", content: "return a + b" },
    {
      prompt_tokens: 21,
      total_tokens: 27,
      completion_tokens: 6,
    },
  ),
);

/** Its text is 12 bytes. */
export const FIM_STREAM = stream(
  "fim_completions",
  unnamed(
    completionChunk({ role: "assistant", content: "return " }, { model: "codestral-latest" }),
    completionChunk({ content: "a + b" }, { model: "codestral-latest" }),
    lastChunk("stop", { prompt_tokens: 21, total_tokens: 27, completion_tokens: 6 }),
  ),
);

export const AGENTS = document(
  "agents_completions",
  completion(
    "chat.completion",
    "mistral-medium-latest",
    { role: "assistant", content: "Bonjour" },
    {
      prompt_tokens: 44,
      total_tokens: 47,
      completion_tokens: 3,
      prompt_token_details: { cached_tokens: 0 },
    },
  ),
);

/** What the search fed to the model is in its total and not in its prompt. */
export const CONVERSATION = document("conversations", {
  object: "conversation.response",
  conversation_id: "conv_0aa1",
  outputs: [
    { type: "tool.execution", name: "web_search", id: "tool_exec_1", arguments: '{"query": "tides"}' },
    { type: "message.output", role: "assistant", id: "msg_1", content: [{ type: "text", text: "High at noon." }] },
  ],
  usage: {
    prompt_tokens: 188,
    completion_tokens: 55,
    total_tokens: 7355,
    connector_tokens: 7112,
    connectors: { web_search: 1 },
  },
});

/** Its text is 13 bytes, and its call's arguments are 10. */
export const CONVERSATION_STREAM = stream(
  "conversations",
  named(
    { type: "conversation.response.started", ...{ conversation_id: "conv_0aa1", created_at: "2026-08-01T10:00:00Z" } },
    {
      type: "message.output.delta",
      ...{ id: "msg_1", output_index: 0, content_index: 0, role: "assistant", content: "High " },
    },
    {
      type: "message.output.delta",
      ...{ id: "msg_1", output_index: 0, content_index: 1, content: { type: "text", text: "at noon." } },
    },
    {
      type: "message.output.delta",
      ...{
        id: "msg_1",
        content: { type: "tool_reference", tool: "web_search", title: "Tides", url: "https://a.example/" },
      },
    },
    { type: "function.call.delta", ...{ id: "fc_1", name: "tide", tool_call_id: "t1", arguments: '{"port":1}' } },
    {
      type: "conversation.response.done",
      ...{ usage: { prompt_tokens: 18709, total_tokens: 18892, completion_tokens: 183, connector_tokens: null } },
    },
  ),
);

/** Its text is 5 bytes. */
export const CONVERSATION_STREAM_BROKEN_OFF = stream(
  "conversations",
  named(
    { type: "message.output.delta", ...{ id: "msg_1", output_index: 0, content_index: 0, content: "High " } },
    { type: "conversation.response.error", ...{ message: "Service unavailable", code: 3000 } },
  ),
);

export const EMBEDDINGS = document("embeddings", {
  id: "embd-aad6",
  object: "list",
  data: [
    { object: "embedding", embedding: [-0.016632080078125, 0.0701904296875, 3e-5], index: 0 },
    { object: "embedding", embedding: [-0.0230560302734375, 0.039337158203125, 1], index: 1 },
  ],
  model: "mistral-embed",
  usage: {
    prompt_tokens: 40,
    completion_tokens: 0,
    total_tokens: 40,
    prompt_audio_seconds: null,
    prompt_token_details: null,
    request_count: null,
  },
});

export const MODERATION = document("moderations", {
  id: "mod-e5cc",
  model: "mistral-moderation-2603",
  results: [{ categories: { violence_and_threats: false, pii: true }, category_scores: { pii: 0.91 } }],
});

export const OCR = document("ocr", {
  pages: [{ index: 0, markdown: "# Title", images: [], dimensions: { dpi: 200, height: 2200, width: 1700 } }],
  model: "mistral-ocr-latest",
  document_annotation: null,
  usage_info: { pages_processed: 3, doc_size_bytes: 3_002_783 },
});

export const TRANSCRIPTION = document("audio_transcriptions", {
  model: "voxtral-mini-latest",
  text: "The tide is high.",
  language: null,
  segments: [],
  usage: { prompt_audio_seconds: 203, prompt_tokens: 4, total_tokens: 3264, completion_tokens: 635 },
});

export const TRANSCRIPTION_STREAM = stream(
  "audio_transcriptions",
  named(
    { type: "transcription.language", ...{ audio_language: "en" } },
    { type: "transcription.text.delta", ...{ text: "The tide " } },
    { type: "transcription.text.delta", ...{ text: "is high." } },
    {
      type: "transcription.done",
      ...{
        model: "voxtral-mini-latest",
        text: "The tide is high.",
        usage: { prompt_audio_seconds: 203, prompt_tokens: 4, total_tokens: 3264, completion_tokens: 635 },
      },
    },
  ),
);

export const RATE_LIMITED = document(
  "chat_completions",
  {
    object: "error",
    message: "Rate limit exceeded",
    type: "rate_limited",
    param: null,
    code: "1300",
    raw_status_code: 429,
  },
  429,
);

export const SERVER_ERROR = document(
  "chat_completions",
  { object: "error", message: "Service unavailable.", type: "unreachable_backend", param: null, code: "1100" },
  500,
);
