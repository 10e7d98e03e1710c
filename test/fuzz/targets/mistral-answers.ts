import assert from "node:assert/strict";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { ENDPOINTS } from "../../../src/domain/model.js";
import { type Answer, AnswerReader } from "../../../src/mistral/answer-reader.js";
import { BodyDecoder, type Coding } from "../../../src/mistral/body-decoder.js";
import { type SseEvent, SseReader } from "../../../src/mistral/sse.js";
import { isAmount } from "../laws.js";
import { chunksOf, randomFor } from "../random.js";
import type { Target } from "../target.js";

const SSE_WORDS = [
  "data",
  "data: ",
  "event: ",
  ": ",
  "id: 1",
  "retry: 5",
  "\n",
  "\n\n",
  "\r",
  "\r\n",
  "\ufeff",
  "é",
  "\xff",
];
const ANSWER_WORDS = [
  ...SSE_WORDS,
  ...[
    "[DONE]",
    "{",
    "}",
    "[",
    "]",
    '"usage":',
    '"usage_info":',
    '"choices":[{"delta":{"content":"',
    '"}}]',
    '"error":{}',
  ],
  ...[
    '"prompt_tokens":',
    '"completion_tokens":',
    '"num_cached_tokens":',
    '"pages_processed":',
    '"prompt_audio_seconds":',
  ],
  ...["null", "-1", "1.5", "1e400", '"type":"transcription.done"', "conversation.response.done", "\\ud800"],
];
const LONGEST = 64;

/** Events by the rules of HTML, section 9.2, of a whole stream at once. */
function eventsOf(bytes: Buffer): readonly SseEvent[] {
  // Decoded line by line, so that bytes that are no UTF-8 swallow no line end.
  const text = bytes.toString("latin1").replace(/^\u00ef\u00bb\u00bf/, "");
  const events: SseEvent[] = [];
  let name = "";
  let data: string[] = [];
  for (const line of [...text.split(/\r\n|\n|\r/), ""]) {
    const [, field = "", rest] = /^([^:]*)(?::(.*))?$/s.exec(line) ?? [];
    const value = Buffer.from((rest ?? "").replace(/^ /, ""), "latin1").toString("utf8");
    if (field === "data") data.push(value);
    if (field === "event") name = value;
    if (line !== "") continue;
    if (data.length > 0) events.push({ kind: "event", name, data: data.join("\n") });
    name = "";
    data = [];
  }
  return events;
}

function read(chunks: readonly Buffer[], longest?: number): readonly SseEvent[] {
  const events: SseEvent[] = [];
  const reader = new SseReader((event) => events.push(event), longest);
  for (const chunk of chunks) reader.write(chunk);
  reader.end();
  return events;
}

interface Told {
  readonly endpoint: (typeof ENDPOINTS)[number];
  readonly contentType: string;
  readonly contentEncoding: string;
}

async function answerOf(told: Told, chunks: readonly Buffer[]): Promise<Answer> {
  const reader = new AnswerReader({ ...told, status: 200 });
  try {
    for (const chunk of chunks) reader.write(chunk);
    return await reader.end(true);
  } finally {
    reader.close();
  }
}

function assertAnswer({ usage, outputBytes }: Answer): void {
  assert.ok(isAmount(outputBytes));
  if (!usage) return;
  const { inputTokens, cachedInputTokens, outputTokens, pages, audioSeconds } = usage;
  for (const amount of [inputTokens, cachedInputTokens, outputTokens, pages, audioSeconds]) assert.ok(isAmount(amount));
  assert.ok(cachedInputTokens <= inputTokens);
}

const PACKED = {
  gzip: (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  deflate: (bytes: Buffer) => deflateSync(bytes, { level: 1 }),
  br: (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};
const CODINGS = ["gzip", "deflate", "br"] as const;
const LIMITS = { maxDecodedBytes: 256 * 1024, maxWaitingBytes: 64 * 1024 };

async function decoded(coding: Coding, chunks: readonly Buffer[]) {
  const parts: Buffer[] = [];
  const decoder = new BodyDecoder(coding, (bytes) => void parts.push(Buffer.from(bytes)), LIMITS);
  for (const chunk of chunks) decoder.write(chunk);
  const isSound = await decoder.end();
  decoder.close();
  return { isSound, bytes: Buffer.concat(parts) };
}

export const MISTRAL_ANSWERS: readonly Target[] = [
  {
    name: "sse",
    law: "the events of a reader that sees the whole stream at once, however it is cut; none longer than the bound",
    words: SSE_WORDS,
    run(bytes) {
      const whole = read([bytes]);
      assert.deepEqual(whole, eventsOf(bytes));
      assert.deepEqual(read(chunksOf(bytes)), whole);
      const bounded = read([bytes], LONGEST);
      assert.deepEqual(read(chunksOf(bytes), LONGEST), bounded);
      for (const event of bounded) {
        if (event.kind === "event") assert.ok(Buffer.byteLength(event.data, "latin1") <= LONGEST);
        else assert.ok(event.bytes > LONGEST);
      }
    },
  },
  {
    name: "answer",
    law: "usage that can be counted, or none; the same however it is cut and whatever it is packed by",
    words: ANSWER_WORDS,
    async run(bytes) {
      const random = randomFor(bytes);
      const endpoint = random.pick(ENDPOINTS);
      for (const contentType of ["text/event-stream", "application/json"]) {
        const told = { endpoint, contentType, contentEncoding: "" };
        const answer = await answerOf(told, [bytes]);
        assertAnswer(answer);
        assert.deepEqual(await answerOf(told, chunksOf(bytes)), answer);
        const coding = random.pick(CODINGS);
        const packed = await answerOf({ ...told, contentEncoding: coding }, chunksOf(PACKED[coding](bytes)));
        assert.deepEqual(packed, answer);
      }
    },
  },
  {
    name: "packed-body",
    law: "bytes within the bound, and the same ones however they are cut, up to where one of the readings gives up",
    words: ["\x1f\x8b\x08\x00", "\x78\x9c", "\x8b\x00\x80", "\x03", "\x00\x00\xff\xff", "\x00".repeat(40), "\xff"],
    async run(bytes) {
      for (const coding of CODINGS) {
        const whole = await decoded(coding, [bytes]);
        assert.ok(whole.bytes.length <= LIMITS.maxDecodedBytes);
        const cut = await decoded(coding, chunksOf(bytes));
        // Behind the end of a gzip body zlib may see rubbish, or the head of another, by how it is cut.
        const common = Math.min(whole.bytes.length, cut.bytes.length);
        assert.ok(cut.bytes.subarray(0, common).equals(whole.bytes.subarray(0, common)));
      }
    },
  },
];
