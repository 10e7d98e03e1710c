import { describe, expect, it } from "vitest";
import type { Endpoint } from "../../../src/domain/model.js";
import type { BodyFacts } from "../../../src/mistral/answer-body.js";
import { DocumentAnswer } from "../../../src/mistral/document-answer.js";

const MEGABYTE = 1024 * 1024;
const USAGE = '{"prompt_tokens":40,"total_tokens":40,"completion_tokens":0}';

function read(text: string, endpoint: Endpoint = "embeddings", chunkBytes = Infinity): BodyFacts {
  const answer = new DocumentAnswer(endpoint);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) answer.write(bytes.subarray(at, at + chunkBytes));
  return answer.end();
}

function inputTokens(text: string): number | undefined {
  return read(text).usage?.inputTokens;
}

describe("the usage of a document", () => {
  it("is its own member, not one within another or in a text", () => {
    expect(inputTokens(`{"data":[{"usage":${USAGE}}],"x":{"usage":${USAGE}},"t":${JSON.stringify(USAGE)}}`)).toBe(
      undefined,
    );
    expect(inputTokens(`{"usage":${USAGE},"x":{"usage":{"prompt_tokens":1}},"y":{"usage":1}}`)).toBe(40);
    expect(inputTokens(`[{"usage":${USAGE}}]`)).toBeUndefined();
    expect(inputTokens(`[[],"usage",${USAGE}]`)).toBeUndefined();
    expect(inputTokens(`{"u\\u0073age":${USAGE}}`)).toBe(40);
    expect(inputTokens(`{"usage":{"x":{"y":[{}]},"prompt_tokens":40}}`)).toBe(40);
  });

  it("is in the member of its endpoint", () => {
    expect(read('{"usage":{"pages_processed":9},"usage_info":{"pages_processed":3}}', "ocr").usage?.pages).toBe(3);
  });

  it("is the last that it says, and null says nothing", () => {
    expect(inputTokens(`{"usage":{"prompt_tokens":1},"usage":${USAGE}}`)).toBe(40);
    expect(inputTokens(`{"usage":${USAGE},"usage":null}`)).toBe(40);
    for (const other of ["40", '"40"', "[]", "{}", "false"]) {
      expect(inputTokens(`{"usage":${USAGE},"usage":${other}}`)).toBeUndefined();
    }
  });

  it("stands where the document is cut after it, and is unknown where it is cut within", () => {
    const text = `{"usage":${USAGE},"data":[1,2`;
    expect(read(text)).toMatchObject({ usage: { inputTokens: 40 }, isWhole: false });
    expect(read(text.slice(0, text.indexOf("}")))).toEqual({ usage: undefined, outputBytes: 0, isWhole: false });
  });

  it.each([`{"usage":${USAGE}}}`, `{"usage":${USAGE},}`, `{"usage":${USAGE},"a":nul1}`, `{"usage":${USAGE}} {}`])(
    "is unknown where the document is none: %s",
    (text) => {
      expect(read(text)).toEqual({ usage: undefined, outputBytes: 0, isWhole: false });
    },
  );

  it("is unknown where it is longer than any usage", () => {
    const long = `{"prompt_tokens":40,"x":"${"a".repeat(64 * 1024)}"}`;
    expect(read(`{"usage":${long}}`)).toEqual({ usage: undefined, outputBytes: 0, isWhole: true });
    for (const chunkBytes of [Infinity, 1000, 7]) {
      const twice = `{"usage":${long},"usage":${USAGE}}`;
      expect(read(twice, "embeddings", chunkBytes).usage?.inputTokens).toBe(40);
    }
  });
});

describe("a document of a hundred megabytes", () => {
  it.each([
    ["text", '"', "a".repeat(MEGABYTE), '"'],
    ["numbers", "[", "0.0123456789,".repeat(MEGABYTE / 13), "0]"],
  ])("of %s is read and not held", (_what, open, piece, close) => {
    const answer = new DocumentAnswer("ocr");
    const copies = 128;
    const before = process.memoryUsage().arrayBuffers;
    answer.write(Buffer.from(`{"pages":${open}`));
    let most = 0;
    for (let sent = 0; sent < copies; sent++) {
      answer.write(Buffer.from(piece));
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    answer.write(Buffer.from(`${close},"usage_info":{"pages_processed":3}}`));
    expect(answer.end()).toMatchObject({ usage: { pages: 3 }, isWhole: true });
    expect(most).toBeLessThan(0.75 * copies * MEGABYTE);
  });
});
