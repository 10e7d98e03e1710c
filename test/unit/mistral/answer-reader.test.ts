import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_AMOUNT } from "../../../src/domain/units.js";
import { AnswerReader } from "../../../src/mistral/answer-reader.js";
import {
  AGENTS,
  CHAT,
  CHAT_STREAM,
  CHAT_STREAM_OF_A_TOOL_CALL,
  CHAT_WITH_AUDIO,
  CONVERSATION,
  CONVERSATION_STREAM,
  CONVERSATION_STREAM_BROKEN_OFF,
  EMBEDDINGS,
  FIM,
  FIM_STREAM,
  MODERATION,
  OCR,
  RATE_LIMITED,
  SERVER_ERROR,
  TRANSCRIPTION,
  TRANSCRIPTION_STREAM,
} from "../../support/mistral/recorded.js";
import { cutAt, cuts } from "./cuts.js";
import { CODINGS, readAnswer, readRecorded } from "./read-answer.js";

const NOTHING = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};
const CHAT_STREAM_USAGE = { ...NOTHING, inputTokens: 10, outputTokens: 275 };

describe("an answer in one document", () => {
  it.each([
    ["chat", CHAT, { inputTokens: 200, cachedInputTokens: 128, outputTokens: 17 }],
    ["chat with audio", CHAT_WITH_AUDIO, { inputTokens: 10, outputTokens: 67, audioSeconds: 19 }],
    ["FIM", FIM, { inputTokens: 21, outputTokens: 6 }],
    ["agents", AGENTS, { inputTokens: 44, outputTokens: 3 }],
    ["conversation", CONVERSATION, { inputTokens: 7300, outputTokens: 55 }],
    ["embeddings", EMBEDDINGS, { inputTokens: 40 }],
    ["OCR", OCR, { pages: 3 }],
    ["transcription", TRANSCRIPTION, { audioSeconds: 203 }],
  ] as const)("says what was used: %s", async (_name, answer, usage) => {
    expect(await readRecorded(answer)).toEqual({
      usage: { ...NOTHING, ...usage },
      outputBytes: 0,
      isStream: false,
      isWhole: true,
    });
  });

  it("of a moderation is whole and says nothing", async () => {
    const answer = await readRecorded(MODERATION);
    expect(answer).toEqual({ usage: undefined, outputBytes: 0, isStream: false, isWhole: true });
  });

  it.each([RATE_LIMITED, SERVER_ERROR])("with status $status says nothing", async (answer) => {
    expect(await readRecorded(answer)).toEqual({ usage: undefined, outputBytes: 0, isStream: false, isWhole: true });
  });
});

describe("an answer that is none", () => {
  it.each([CHAT, CHAT_STREAM])("by its status says nothing, whatever it says", async (answer) => {
    for (const status of [199, 302, 400, 503]) {
      expect(await readRecorded({ ...answer, status })).toEqual({
        usage: undefined,
        outputBytes: 0,
        isStream: false,
        isWhole: true,
      });
    }
  });
});

describe("an answer that streams", () => {
  it.each([
    ["chat stream", CHAT_STREAM, { inputTokens: 10, outputTokens: 275 }, 28],
    ["chat stream of a tool call", CHAT_STREAM_OF_A_TOOL_CALL, { inputTokens: 96, outputTokens: 23 }, 31],
    ["FIM stream", FIM_STREAM, { inputTokens: 21, outputTokens: 6 }, 12],
    ["conversation stream", CONVERSATION_STREAM, { inputTokens: 18709, outputTokens: 183 }, 23],
    ["transcription stream", TRANSCRIPTION_STREAM, { audioSeconds: 203 }, 0],
  ] as const)("says what was used and what was put out: %s", async (_name, answer, usage, outputBytes) => {
    expect(await readRecorded(answer)).toEqual({
      usage: { ...NOTHING, ...usage },
      outputBytes,
      isStream: true,
      isWhole: true,
    });
  });

  it("does not know what was used where Mistral broke off", async () => {
    const answer = await readRecorded(CONVERSATION_STREAM_BROKEN_OFF);
    expect(answer).toEqual({ usage: undefined, outputBytes: 5, isStream: true, isWhole: false });
  });
});

const SPLIT = { CHAT, EMBEDDINGS, CHAT_STREAM, CONVERSATION_STREAM, TRANSCRIPTION_STREAM };
const LINE_ENDS = ["\n", "\r\n", "\r"] as const;
const splitCases = Object.entries(SPLIT).flatMap(([name, answer]) =>
  LINE_ENDS.map((end) => ({ name, end, answer: { ...answer, body: answer.body.replaceAll("\n", end) } })),
);

describe("an answer that comes in chunks", () => {
  it.each(splitCases)("is read the same wherever it is cut: $name, $end", async ({ answer }) => {
    const bytes = Buffer.from(answer.body);
    const whole = await readAnswer(answer, [bytes]);
    expect(whole.usage).toBeDefined();
    for (let at = 0; at <= bytes.length; at++) expect(await readAnswer(answer, cutAt(bytes, [at]))).toEqual(whole);
    expect(
      await readAnswer(
        answer,
        [...bytes].map((byte) => Buffer.from([byte])),
      ),
    ).toEqual(whole);
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        expect(await readAnswer(answer, cutAt(bytes, at))).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it.each(Object.entries(CODINGS))("is read the same in %s", async (_name, { contentEncoding, encode }) => {
    for (const answer of [EMBEDDINGS, CHAT_STREAM]) {
      const whole = await readRecorded(answer);
      const bytes = encode(answer.body);
      for (let at = 0; at <= bytes.length; at++) {
        expect(await readAnswer(answer, cutAt(bytes, [at]), { contentEncoding })).toEqual(whole);
      }
      await fc.assert(
        fc.asyncProperty(cuts, async (at) => {
          expect(await readAnswer(answer, cutAt(bytes, at), { contentEncoding })).toEqual(whole);
        }),
        { numRuns: 30 },
      );
    }
  });
});

describe("an answer that is cut off", () => {
  it.each(Object.entries(SPLIT))("never has a usage that it did not say: %s", async (_name, answer) => {
    const bytes = Buffer.from(answer.body);
    const whole = await readAnswer(answer, [bytes]);
    const saidFrom = answer.body.lastIndexOf('"usage":{"');
    for (let length = 0; length < bytes.length; length++) {
      const cut = await readAnswer(answer, [bytes.subarray(0, length)], { isWhole: false });
      expect(cut.outputBytes).toBeLessThanOrEqual(length);
      if (cut.usage) expect([cut.usage, length > saidFrom]).toEqual([whole.usage, true]);
      else expect(cut.isWhole).toBe(false);
    }
  });

  it("has the bytes of what came, where its stream is cut between two events", async () => {
    const body = CHAT_STREAM.body.slice(
      0,
      CHAT_STREAM.body.indexOf('data: {"id":"cmpl-7d1f"', CHAT_STREAM.body.indexOf("🌞")),
    );
    expect(await readRecorded({ ...CHAT_STREAM, body })).toEqual({
      usage: undefined,
      outputBytes: 27,
      isStream: true,
      isWhole: false,
    });
  });

  it.each(Object.entries(CODINGS))("in %s is read as far as it goes", async (_name, { contentEncoding, encode }) => {
    const bytes = encode(CHAT_STREAM.body);
    for (let length = 0; length < bytes.length; length++) {
      const cut = await readAnswer(CHAT_STREAM, [bytes.subarray(0, length)], { isWhole: false, contentEncoding });
      expect([undefined, CHAT_STREAM_USAGE]).toContainEqual(cut.usage);
      expect(cut.isWhole).toBe(cut.usage !== undefined);
    }
  });
});

describe("an answer that cannot be read", () => {
  it.each(["zstd", "gzip, br", "nonsense"])("is in %s: as much was put out as can be", async (contentEncoding) => {
    const chunks = [Buffer.from(CHAT_STREAM.body)];
    expect(await readAnswer(CHAT_STREAM, chunks, { contentEncoding })).toEqual({
      usage: undefined,
      outputBytes: MAX_AMOUNT,
      isStream: true,
      isWhole: true,
    });
    expect(await readAnswer(CHAT, chunks, { contentEncoding, isWhole: false })).toEqual({
      usage: undefined,
      outputBytes: 0,
      isStream: false,
      isWhole: false,
    });
  });

  it.each(Object.keys(CODINGS))("is not in %s, as it claims", async (name) => {
    const { contentEncoding } = CODINGS[name as keyof typeof CODINGS];
    const answer = await readAnswer(CHAT_STREAM, [Buffer.from(`\x01${CHAT_STREAM.body}`)], { contentEncoding });
    expect(answer).toEqual({ usage: undefined, outputBytes: MAX_AMOUNT, isStream: true, isWhole: false });
  });

  it("is anything: it tells nothing and never throws", async () => {
    const piece = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `data: ${json}\n\n`),
      fc.json().map((json) => `data: {"choices":${json},"usage":${json}}\n\n`),
      fc.json().map((json) => `data: {"choices":[{"delta":${json}}]}\n\n`),
    );
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.array(piece, { maxLength: 4 }).map((pieces) => Buffer.from(pieces.join(""))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(CHAT, CHAT_STREAM, CONVERSATION_STREAM, TRANSCRIPTION_STREAM),
        fc.constantFrom(undefined, "gzip", "deflate", "br"),
        anything,
        cuts,
        async (head, contentEncoding, bytes, at) => {
          const options = contentEncoding === undefined ? {} : { contentEncoding };
          const answer = await readAnswer(head, cutAt(bytes, at), options);
          expect(answer.usage).toBeUndefined();
          expect(Number.isSafeInteger(answer.outputBytes)).toBe(true);
        },
      ),
    );
  });

  it("is given up at once", async () => {
    const { contentEncoding, encode } = CODINGS.gzip;
    const reader = new AnswerReader({ ...CHAT_STREAM, contentEncoding });
    reader.write(encode(CHAT_STREAM.body));
    reader.close();
    reader.close();
    expect((await reader.end(true)).usage).toBeUndefined();
  });
});
