import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import * as recorded from "../support/mistral/recorded.js";
import { answerMessages, chat, connectEnvoy, type Told } from "./envoy-client.js";
import { startService, temporaryDirectory } from "./running-service.js";

const POLICY = `
version: 1
workspaces: { lab: { models: ["*"], upstream_key: { env: LAB }, limits: { usd_per_month: 100 } } }
roles: { crew: { models: ["*"], limits: { tokens_per_day: 100_000_000 } } }
principals: { bot: { role: crew, workspace: lab } }
models: { "ag:1": { like: mistral-medium-3-5, endpoints: [agents_completions] } }
`;

const BOUNDARY = "wb-boundary";
const part = (name: string, value: string, more = "") =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const FORM = `${part("model", "voxtral-mini-latest")}${part("file", "not a wave", '; filename="a.mp3"')}--${BOUNDARY}--\r\n`;

interface Case {
  readonly told: Told;
  readonly answer: recorded.RecordedAnswer;
  readonly tokens: number;
  readonly nanoUsd: number;
}

const messages = [{ role: "user", content: "Hello" }];

/** Tokens and prices by the price list: (input - cached) x in + cached x in / 10 + output x out, pages, seconds. */
const CASES: Readonly<Record<string, Case>> = {
  "chat, partly from Mistral's cache": {
    told: { body: chat() },
    answer: recorded.CHAT,
    tokens: 217,
    nanoUsd: 72 * 150 + 128 * 15 + 17 * 600,
  },
  "chat as a stream": {
    told: { body: chat({ stream: true }) },
    answer: recorded.CHAT_STREAM,
    tokens: 285,
    nanoUsd: 10 * 150 + 275 * 600,
  },
  "fill in the middle": {
    told: { path: "/v1/fim/completions", body: { model: "codestral-latest", prompt: "def add(", suffix: "" } },
    answer: recorded.FIM,
    tokens: 27,
    nanoUsd: 21 * 300 + 6 * 900,
  },
  "fill in the middle as a stream": {
    told: { path: "/v1/fim/completions", body: { model: "codestral-latest", prompt: "def add(", stream: true } },
    answer: recorded.FIM_STREAM,
    tokens: 27,
    nanoUsd: 21 * 300 + 6 * 900,
  },
  "an agent": {
    told: { path: "/v1/agents/completions", body: { agent_id: "ag:1", messages } },
    answer: recorded.AGENTS,
    tokens: 47,
    nanoUsd: 44 * 1500 + 3 * 7500,
  },
  "a conversation": {
    told: { path: "/v1/conversations", body: { model: "mistral-small-latest", inputs: "When is high tide?" } },
    answer: recorded.CONVERSATION,
    tokens: 7355,
    nanoUsd: (188 + 7112) * 150 + 55 * 600,
  },
  embeddings: {
    told: { path: "/v1/embeddings", body: { model: "mistral-embed", input: ["a", "b"] } },
    answer: recorded.EMBEDDINGS,
    tokens: 40,
    nanoUsd: 40 * 100,
  },
  "pages read": {
    told: {
      path: "/v1/ocr",
      body: {
        model: "mistral-ocr-latest",
        document: { type: "document_url", document_url: "https://x.example/a.pdf" },
      },
    },
    answer: recorded.OCR,
    tokens: 0,
    nanoUsd: 3 * 4_000_000,
  },
  "pages read and annotated": {
    told: {
      path: "/v1/ocr",
      body: {
        model: "mistral-ocr-latest",
        document: { type: "document_url", document_url: "https://x.example/a.pdf" },
        document_annotation_format: { type: "json_object" },
      },
    },
    answer: recorded.OCR,
    tokens: 0,
    nanoUsd: 3 * 5_000_000,
  },
  "speech heard": {
    told: {
      path: "/v1/audio/transcriptions",
      headers: { "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
      body: FORM,
    },
    answer: recorded.TRANSCRIPTION,
    tokens: 0,
    nanoUsd: 203 * 50_000,
  },
  "speech heard, as a stream": {
    told: {
      path: "/v1/audio/transcriptions",
      headers: { "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
      body: FORM,
    },
    answer: recorded.TRANSCRIPTION_STREAM,
    tokens: 0,
    nanoUsd: 203 * 50_000,
  },
};

describe("what an answer used, by endpoint", () => {
  it.each(Object.entries(CASES))(
    "is charged to the token and the nano-USD: %s",
    async (_, { told, answer, tokens, nanoUsd }) => {
      const path = join(temporaryDirectory(), "envoy.sock");
      const { client } = await startService(POLICY, {
        envoy: { listen: [{ kind: "unix", path }], peers: [] },
      });
      const envoy = connectEnvoy(`unix:${path}`);
      const checked = await envoy.check({ extensions: { "windbreak.principal": "bot" }, ...told });
      expect(checked).toMatchObject({ status: 0, body: "" });

      const stream = envoy.process();
      stream.on("data", () => {});
      const { metadata } = checked;
      const { status, contentType, body } = answer;
      for (const message of answerMessages({ metadata, status, contentType, chunks: [body] })) stream.write(message);
      await eventually(async () => {
        const { limits } = await client.checkBudget({ principal: { id: "bot" } });
        expect(limits).toMatchObject([
          { name: "workspaces.lab.usd_per_month", used: nanoUsd, reserved: 0 },
          { name: "roles.crew.tokens_per_day", used: tokens, reserved: 0 },
        ]);
      });
    },
  );
});
