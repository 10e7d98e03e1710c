import { describe, expect, it } from "vitest";
import type { Endpoint } from "../../../src/domain/model.js";
import type { BodyFacts } from "../../../src/mistral/answer-body.js";
import { StreamedAnswer } from "../../../src/mistral/streamed-answer.js";
import { completionChunk } from "../../support/mistral/recorded.js";

function read(events: readonly string[], endpoint: Endpoint = "chat_completions"): BodyFacts {
  const answer = new StreamedAnswer(endpoint);
  for (const event of events) answer.write(Buffer.from(`${event}\n\n`));
  return answer.end();
}

function chunk(delta: unknown, rest: Readonly<Record<string, unknown>> = {}): string {
  return `data: ${JSON.stringify(completionChunk(delta, rest))}`;
}

function said(delta: unknown): number {
  return read([chunk(delta)]).outputBytes;
}

function used(output: number): Readonly<Record<string, unknown>> {
  return { usage: { prompt_tokens: 10, completion_tokens: output, total_tokens: 10 + output } };
}

const DONE = "data: [DONE]";

describe("what a stream puts out", () => {
  it.each<[string, unknown, number]>([
    ["text", { role: "assistant", content: "été" }, 5],
    ["no text", { role: "assistant", content: null }, 0],
    [
      "parts of text",
      {
        content: [
          { type: "text", text: "ab" },
          { type: "text", text: "c" },
        ],
      },
      3,
    ],
    ["thoughts", { content: [{ type: "thinking", thinking: [{ type: "text", text: "ab" }], closed: true }] }, 2],
    ["thoughts in a string", { content: [{ type: "thinking", thinking: "ab" }] }, 2],
    ["thoughts of another vendor's model", { content: null, reasoning_content: "abc" }, 3],
    ["references", { content: [{ type: "reference", reference_ids: [1, 2] }] }, 0],
    ["a call", { tool_calls: [{ id: "x1", type: "function", index: 0, function: { name: "f", arguments: "{}" } }] }, 3],
    [
      "a call whose arguments are an object",
      { tool_calls: [{ function: { name: "f", arguments: { a: ["bc"] } } }] },
      3,
    ],
  ])("has the bytes of %s", (_what, delta, bytes) => {
    expect(said(delta)).toBe(bytes);
  });

  it("has those of every choice", () => {
    const choices = [{ index: 0, delta: { content: "ab" } }, null, { index: 1, delta: { content: "c" } }];
    expect(read([chunk(undefined, { choices })]).outputBytes).toBe(3);
  });

  it("has those of an event that is no JSON, or was not held, whole", () => {
    expect(read(["data: {nonsense"]).outputBytes).toBe(9);
    expect(read(["data: 17", 'data: ["a"]']).outputBytes).toBe(7);
    const long = "a".repeat(1024 * 1024);
    expect(read([chunk({ content: long })]).outputBytes).toBeGreaterThan(long.length);
  });

  it("may nest as deep as its event is long", () => {
    const depth = 100_000;
    const nested = `${"[".repeat(depth)}"ab"${"]".repeat(depth)}`;
    expect(read([`data: {"choices":[{"delta":${nested}}]}`]).outputBytes).toBe(2);
  });

  it("is nothing where the endpoint has no output", () => {
    expect(read([chunk({ content: "ab" }), "data: {nonsense"], "audio_transcriptions").outputBytes).toBe(0);
  });
});

describe("what a stream says was used", () => {
  it("is the last that it says", () => {
    const facts = read([chunk({ content: "a" }, used(1)), chunk({ content: "b" }, used(2)), DONE]);
    expect([facts.usage?.outputTokens, facts.isWhole]).toEqual([2, true]);
  });

  it("is whole with its usage, also where the end mark is cut off", () => {
    expect(read([chunk({ content: "a" }), chunk({ content: "" }, used(1))])).toMatchObject({
      usage: { outputTokens: 1 },
      isWhole: true,
    });
  });

  it("is not whole without either", () => {
    expect(read([chunk({ content: "a" }, { usage: null })])).toEqual({
      usage: undefined,
      outputBytes: 1,
      isWhole: false,
    });
  });

  it("is not known where only the end mark came", () => {
    expect(read([chunk({ content: "a" }), DONE])).toEqual({ usage: undefined, outputBytes: 1, isWhole: true });
  });

  it("is not known where more was put out after it", () => {
    expect(read([chunk({ content: "a" }, used(1)), chunk({ content: "b" })])).toEqual({
      usage: undefined,
      outputBytes: 2,
      isWhole: false,
    });
  });

  it("is not known where the last that it says is no usage", () => {
    expect(read([chunk({}, used(1)), chunk({}, used(-1)), DONE]).usage).toBeUndefined();
  });

  it("stands after an event that could not be read", () => {
    expect(read(["data: {nonsense", chunk({}, used(1)), DONE])).toMatchObject({
      usage: { outputTokens: 1 },
      outputBytes: 9,
      isWhole: true,
    });
  });

  it.each([
    'data: {"object":"error","message":"overloaded","type":"unreachable_backend","param":null,"code":"1100"}',
    'data: {"error":{"message":"overloaded"}}',
    "event: error\ndata: {}",
    'event: conversation.response.error\ndata: {"message":"overloaded","code":3000}',
    'data: {"type":"conversation.response.error","message":"overloaded","code":3000}',
  ])("is not known where it breaks off: %s", (error) => {
    const facts = read([chunk({ content: "a" }), chunk({}, used(1)), error, chunk({}, used(2)), DONE]);
    expect(facts).toEqual({ usage: undefined, outputBytes: 1, isWhole: false });
  });

  it("is not mistaken for an error by a member that is null", () => {
    expect(read([chunk({}, { error: null, ...used(1) })]).usage?.outputTokens).toBe(1);
  });

  it("is named by its event where its data does not name it", () => {
    expect(read(["event: conversation.response.done\ndata: {}"], "conversations").isWhole).toBe(true);
    expect(read(["event: transcription.done\ndata: {}"], "audio_transcriptions").isWhole).toBe(true);
    expect(read(["event: conversation.response.started\ndata: {}"], "conversations").isWhole).toBe(false);
  });
});
