import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ENDPOINTS, type Endpoint, hasOutput } from "../../../src/domain/model.js";
import type { Usage } from "../../../src/domain/settlement.js";
import { MAX_AMOUNT } from "../../../src/domain/units.js";
import { usageMember, usageOf } from "../../../src/mistral/usage.js";

const NOTHING: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};
const TOKENS = { prompt_tokens: 200, completion_tokens: 17, total_tokens: 217 };
const ALL_ZERO = { prompt_tokens: 0, completion_tokens: 0, pages_processed: 0, prompt_audio_seconds: 0 };
const NO_AMOUNTS = ["5", -1, 0.5, MAX_AMOUNT + 1, Number.NaN, Infinity, true, [], {}];

function chat(more: Readonly<Record<string, unknown>>): Usage | undefined {
  return usageOf("chat_completions", { ...TOKENS, ...more });
}

describe("usage", () => {
  it.each(ENDPOINTS.filter(hasOutput))("of %s is tokens in and out", (endpoint) => {
    expect(usageOf(endpoint, TOKENS)).toEqual({ ...NOTHING, inputTokens: 200, outputTokens: 17 });
  });

  it.each(["embeddings", "moderations", "classifications"] as const)("of %s need not speak of output", (endpoint) => {
    expect(usageOf(endpoint, { prompt_tokens: 40 })).toEqual({ ...NOTHING, inputTokens: 40 });
    expect(usageOf(endpoint, { prompt_tokens: 40, completion_tokens: 0 })).toEqual({ ...NOTHING, inputTokens: 40 });
    expect(usageOf(endpoint, { completion_tokens: 0 })).toBeUndefined();
  });

  it("of OCR is pages and no tokens, in a member of another name", () => {
    expect(usageMember("ocr")).toBe("usage_info");
    expect(usageMember("chat_completions")).toBe("usage");
    const usage = { pages_processed: 3, doc_size_bytes: 9, prompt_tokens: 5, completion_tokens: 5 };
    expect(usageOf("ocr", usage)).toEqual({ ...NOTHING, pages: 3 });
  });

  it("of a transcription is seconds and no tokens", () => {
    expect(usageOf("audio_transcriptions", { ...TOKENS, prompt_audio_seconds: 203 })).toEqual({
      ...NOTHING,
      audioSeconds: 203,
    });
    expect(usageOf("audio_transcriptions", { prompt_audio_seconds: 0.2 })?.audioSeconds).toBe(1);
    expect(usageOf("audio_transcriptions", TOKENS)).toBeUndefined();
  });

  it("of a chat with audio has the seconds beside the tokens of its text", () => {
    expect(chat({ prompt_audio_seconds: 18.4, total_tokens: 592 })).toEqual({
      ...NOTHING,
      inputTokens: 200,
      outputTokens: 17,
      audioSeconds: 19,
    });
  });

  it("counts as input what built-in tools fed to the model", () => {
    expect(usageOf("conversations", { ...TOKENS, connector_tokens: 7112, connectors: { web_search: 1 } })).toEqual({
      ...NOTHING,
      inputTokens: 7312,
      outputTokens: 17,
    });
  });

  it.each([
    [{ num_cached_tokens: 128, prompt_tokens_details: { cached_tokens: 64 } }, 128],
    [{ num_cached_tokens: 0, prompt_tokens_details: { cached_tokens: 64 } }, 0],
    [{ num_cached_tokens: null, prompt_tokens_details: { cached_tokens: 64 } }, 64],
    [{ prompt_tokens_details: null, prompt_token_details: { cached_tokens: 64 } }, 64],
    [{ prompt_tokens_details: { cached_tokens: null }, prompt_token_details: { cached_tokens: 64 } }, 64],
    [{ prompt_tokens_details: {}, prompt_token_details: null }, 0],
    [{ num_cached_tokens: 999 }, 200],
  ])("finds cached tokens in %j", (members, cached) => {
    expect(chat(members)).toEqual({ ...NOTHING, inputTokens: 200, cachedInputTokens: cached, outputTokens: 17 });
  });

  it.each(ENDPOINTS)("of %s that is all zero is known to be nothing", (endpoint) => {
    expect(usageOf(endpoint, ALL_ZERO)).toEqual(NOTHING);
  });

  it.each(ENDPOINTS)("of %s is not known where it is absent, empty or no object", (endpoint) => {
    for (const value of [undefined, null, {}, [], "200", 200, true]) expect(usageOf(endpoint, value)).toBeUndefined();
  });

  it.each<[Endpoint, string]>([
    ["chat_completions", "prompt_tokens"],
    ["chat_completions", "completion_tokens"],
    ["chat_completions", "num_cached_tokens"],
    ["conversations", "connector_tokens"],
    ["embeddings", "completion_tokens"],
    ["ocr", "pages_processed"],
  ])("of %s is not known where %s is no amount", (endpoint, member) => {
    for (const value of NO_AMOUNTS) expect(usageOf(endpoint, { ...ALL_ZERO, [member]: value })).toBeUndefined();
  });

  it("is not known where cached tokens are no amount, or the seconds, or a sum is above 2^53-1", () => {
    expect(chat({ prompt_tokens_details: 64 })).toBeUndefined();
    expect(chat({ prompt_tokens_details: { cached_tokens: "64" } })).toBeUndefined();
    for (const seconds of [-0.5, -1, MAX_AMOUNT + 1]) expect(chat({ prompt_audio_seconds: seconds })).toBeUndefined();
    expect(chat({ prompt_audio_seconds: "19" })).toBeUndefined();
    expect(chat({ connector_tokens: MAX_AMOUNT })).toBeUndefined();
  });

  it("is amounts that can be counted, whatever is read", () => {
    const member = fc.oneof(fc.double(), fc.maxSafeNat(), fc.jsonValue());
    const members = fc.dictionary(fc.constantFrom(...Object.keys(ALL_ZERO), "num_cached_tokens"), member);
    fc.assert(
      fc.property(fc.constantFrom(...ENDPOINTS), fc.oneof(members, fc.jsonValue()), (endpoint, value) => {
        const usage = usageOf(endpoint, value);
        if (!usage) return;
        const { annotatedPages, ...amounts } = usage;
        expect(annotatedPages).toBe(false);
        expect(Object.values(amounts).filter((it) => !Number.isSafeInteger(it) || it < 0)).toEqual([]);
        expect(usage.cachedInputTokens).toBeLessThanOrEqual(usage.inputTokens);
      }),
    );
  });
});
