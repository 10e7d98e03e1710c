import type { SeenRequest } from "./exchange.js";
import type { Answers, StreamAnswer, WholeAnswer } from "./replay-server.js";

const USAGE = { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 };

/** A chat completion of three tokens, as Mistral answers one that is not streamed. */
export const COMPLETION: WholeAnswer = {
  kind: "whole",
  body: {
    id: "5f1c0b",
    object: "chat.completion",
    created: 1_795_000_000,
    model: "mistral-small-latest",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "un deux trois" } }],
    usage: USAGE,
  },
};

/** The same as a stream: usage comes in the last chunk alone, before `[DONE]`. */
export const STREAM: StreamAnswer = {
  kind: "stream",
  chunks: [
    piece({ role: "assistant", content: "un" }),
    piece({ content: " deux" }),
    piece({ content: " trois" }, { finish_reason: "stop" }, { usage: USAGE }),
    "data: [DONE]\n\n",
  ],
};

/** Vectors for one input. */
export const EMBEDDING: WholeAnswer = {
  kind: "whole",
  body: {
    id: "7a2d11",
    object: "list",
    model: "mistral-embed",
    data: [{ object: "embedding", index: 0, embedding: [0.1, -0.2, 0.3] }],
    usage: { prompt_tokens: 4, completion_tokens: 0, total_tokens: 4 },
  },
};

/** Mistral's own refusal by rate. */
export const RATE_LIMITED: WholeAnswer = {
  kind: "whole",
  status: 429,
  body: {
    object: "error",
    message: "Rate limit exceeded",
    type: "rate_limited",
    param: null,
    code: "1300",
    raw_status_code: 429,
  },
};

/** A fault of Mistral's. */
export const SERVER_ERROR: WholeAnswer = {
  kind: "whole",
  status: 500,
  body: { object: "error", message: "Service unavailable.", type: "internal_server_error", param: null, code: "3000" },
};

const MODEL = {
  id: "mistral-small-latest",
  object: "model",
  created: 1,
  owned_by: "mistralai",
  capabilities: { completion_chat: true },
  type: "base",
};

const MODELS: WholeAnswer = {
  kind: "whole",
  body: { object: "list", data: [MODEL] },
};

const completions = ({ body }: SeenRequest) => (wantsStream(body) ? STREAM : COMPLETION);

/** What Mistral answers where nothing goes wrong. */
export const ANSWERS: Answers = {
  "POST /v1/chat/completions": completions,
  "POST /v1/fim/completions": completions,
  "POST /v1/embeddings": EMBEDDING,
  "GET /v1/models": MODELS,
};

function wantsStream(body: Buffer): boolean {
  return /"stream"\s*:\s*true/.test(body.toString("utf8"));
}

function piece(delta: object, choice: object = { finish_reason: null }, more: object = {}): string {
  const chunk = {
    id: "5f1c0b",
    object: "chat.completion.chunk",
    created: 1_795_000_000,
    model: "mistral-small-latest",
    choices: [{ index: 0, delta, ...choice }],
    ...more,
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
