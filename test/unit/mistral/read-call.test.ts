import { describe, expect, it } from "vitest";
import { readCall } from "../../../src/mistral/read-call.js";
import { callIn, faultIn, reading } from "./readings.js";

const CHAT = { model: "mistral-small-latest", messages: [{ role: "user", content: "Hello" }] };
const text = (extra: string) => `{"model":"m","messages":[],${extra}}`;

describe("what a chat asks for", () => {
  it("is its model, one answer and no cap where it says no more", async () => {
    expect(await callIn("chat/completions", CHAT)).toEqual({
      kind: "call",
      model: "mistral-small-latest",
      streams: false,
      choices: 1,
      request: { inputTokens: 64 + 8 + 5, maxOutputTokens: 0, pages: 0, audioSeconds: 0, annotatedPages: false },
      fillsContext: false,
      audioFillsContext: false,
      needs: new Set(),
    });
  });

  it("is n times its cap", async () => {
    const { choices, request } = await callIn("chat/completions", { ...CHAT, max_tokens: 100, n: 16 });
    expect({ choices, cap: request.maxOutputTokens }).toEqual({ choices: 16, cap: 1600 });
  });

  it.each([
    ["1e3", 1000],
    ["1e9", 1e9],
    ["100.0", 100],
    ["0", 0],
    ["-0", 0],
    ["null", 0],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("takes a cap of %s", async (cap, tokens) => {
    const { request } = await callIn("chat/completions", text(`"max_tokens":${cap}`));
    expect(Object.is(request.maxOutputTokens, tokens)).toBe(true);
  });

  it.each([
    "-1",
    "1.5",
    "9007199254740992",
    "1e300",
    "1e400",
    '"100"',
    "true",
    "[1]",
    '{"a":1}',
    `1${"0".repeat(600)}`,
  ])("refuses a cap of %s", async (cap) => {
    expect(await faultIn("chat/completions", text(`"max_tokens":${cap}`))).toBe("400 max_tokens");
  });

  it.each(["0", "-1", "1.5", '"2"', "true", "[]"])("refuses %s answers", async (n) => {
    expect(await faultIn("chat/completions", text(`"n":${n}`))).toBe("400 n");
  });

  it("refuses answers times cap that cannot be counted", async () => {
    expect(await faultIn("chat/completions", text('"n":2,"max_tokens":9007199254740991'))).toBe("400 max_tokens");
  });

  it.each([
    ["true", true],
    ["false", false],
    ["null", false],
  ])("streams where stream is %s: %s", async (stream, streams) => {
    expect((await callIn("chat/completions", text(`"stream":${stream}`))).streams).toBe(streams);
  });

  it.each(['"true"', "1", "0", "[]", "{}"])("refuses a stream of %s", async (stream) => {
    expect(await faultIn("chat/completions", text(`"stream":${stream}`))).toBe("400 stream");
  });

  it.each(["null", '""', "5", "true", '["m"]', '{"id":"m"}', `"${"m".repeat(600)}"`])(
    "refuses a model of %s",
    async (model) => {
      expect(await faultIn("chat/completions", `{"model":${model},"messages":[]}`)).toBe("400 model");
    },
  );

  it.each([
    '{"messages":[]}',
    '{"Model":"m"}',
    '{"MODEL":"m"}',
    '{"model ":"m"}',
    '{"metadata":{"model":"m"}}',
    "{}",
    "null",
  ])("finds no model in %s", async (body) => {
    expect(await faultIn("chat/completions", body)).toBe("400 model");
  });

  it("finds a model whose key is escaped", async () => {
    expect((await callIn("chat/completions", String.raw`{"mod\u0065l":"\u006d"}`)).model).toBe("m");
  });

  it.each([
    ["absent", "", []],
    ["null", '"service_tier":null,', []],
    ["standard_only", '"service_tier":"standard_only",', []],
    ["auto", '"service_tier":"auto",', ["priority_tier"]],
    ["one that is not known yet", '"service_tier":"priority",', ["priority_tier"]],
    ["in capitals", '"service_tier":"STANDARD_ONLY",', ["priority_tier"]],
  ])("knows the tier %s", async (_, tier, needs) => {
    const { needs: told } = await callIn("chat/completions", `{${tier}"model":"m","messages":[]}`);
    expect([...told]).toEqual(needs);
  });

  it.each(["1", "true", '["auto"]', "{}"])("refuses a tier of %s", async (tier) => {
    expect(await faultIn("chat/completions", text(`"service_tier":${tier}`))).toBe("400 service_tier");
  });

  it.each([
    ["a function", { type: "function", function: { name: "f", parameters: {} } }, []],
    ["a function without its type", { function: { name: "f", parameters: {} } }, []],
    ["a search", { type: "web_search" }, ["built_in_tools"]],
    ["a type without a function", { type: "function" }, ["built_in_tools"]],
    ["another type with a function", { type: "code_interpreter", function: {} }, ["built_in_tools"]],
    ["a connector without its type", { connector_id: "c", function: {} }, ["built_in_tools"]],
    ["a library", { type: "function", function: {}, library_ids: [] }, ["built_in_tools"]],
    ["an empty object", {}, ["built_in_tools"]],
    ["a name", "web_search", ["built_in_tools"]],
  ])("knows the tool that is %s", async (_, tool, needs) => {
    const call = await callIn("chat/completions", { ...CHAT, tools: [{ type: "function", function: {} }, tool] });
    expect([...call.needs]).toEqual(needs);
    expect(call.fillsContext).toBe(needs.length > 0);
  });

  it.each([{}, "web_search", 1, [{ type: ["function"], function: {} }]])("refuses tools of %j", async (tools) => {
    expect(await faultIn("chat/completions", { ...CHAT, tools })).toBe("400 tools");
  });

  it.each([
    [
      "a document's address",
      { messages: [{ role: "user", content: [{ type: "document_url", document_url: "https://x" }] }] },
    ],
    ["a stored file", { messages: [{ role: "user", content: [{ type: "file", file_id: "x" }] }] }],
    ["a chunk of an unknown type", { messages: [{ role: "user", content: [{ type: "scene", text: "x" }] }] }],
    [
      "a document within thinking",
      {
        messages: [{ role: "assistant", content: [{ type: "thinking", thinking: [{ type: "file", file_id: "x" }] }] }],
      },
    ],
    ["reasoning", { prompt_mode: "reasoning" }],
    ["a safe prompt", { safe_prompt: true }],
    ["a safe prompt that is no switch", { safe_prompt: "yes" }],
    ["guardrails", { guardrails: [{}] }],
  ])("fills the context with %s", async (_, extra) => {
    const { fillsContext, audioFillsContext } = await callIn("chat/completions", { ...CHAT, ...extra });
    expect({ fillsContext, audioFillsContext }).toEqual({ fillsContext: true, audioFillsContext: false });
  });

  it("leaves the context alone where such a thing is switched off", async () => {
    const off = { prompt_mode: null, safe_prompt: false, guardrails: null, tools: null };
    expect((await callIn("chat/completions", { ...CHAT, ...off })).fillsContext).toBe(false);
  });

  it("fills the context with sound too", async () => {
    const content = [{ type: "input_audio", input_audio: "UklGRg==" }];
    const call = await callIn("chat/completions", { ...CHAT, messages: [{ role: "user", content }] });
    expect(call).toMatchObject({ fillsContext: true, audioFillsContext: true });
  });
});

describe("what the other endpoints ask for", () => {
  it("is a completion in the middle", async () => {
    const { request, model } = await callIn("fim/completions", {
      model: "codestral-2508",
      prompt: "ab",
      suffix: "c",
      max_tokens: 7,
    });
    expect({ model, ...request }).toMatchObject({ model: "codestral-2508", inputTokens: 67, maxOutputTokens: 7 });
  });

  it("needs the model of a completion in the middle, whatever Mistral's default is today", async () => {
    expect(await faultIn("fim/completions", { prompt: "a" })).toBe("400 model");
  });

  it("is an agent, whose prompt nobody sees", async () => {
    const call = await callIn("agents/completions", { agent_id: "ag_1", messages: [], max_tokens: 5, n: 2 });
    expect(call).toMatchObject({ model: "ag_1", fillsContext: true, choices: 2, request: { maxOutputTokens: 10 } });
  });

  it.each([
    [{ messages: [] }, "400 agent_id"],
    [{ agent_id: "", messages: [] }, "400 agent_id"],
    [{ agent_id: ["a"], messages: [] }, "400 agent_id"],
    [{ agent_id: "a", model: "m", messages: [] }, "400 model"],
  ])("refuses the agent in %j", async (body, fault) => {
    expect(await faultIn("agents/completions", body)).toBe(fault);
  });

  it("is a conversation with a model, whose cap stands in its arguments", async () => {
    const call = await callIn("conversations", {
      model: "m",
      inputs: "abc",
      instructions: "de",
      stream: true,
      completion_args: { max_tokens: 9, temperature: 1 },
    });
    expect(call).toMatchObject({
      model: "m",
      streams: true,
      fillsContext: false,
      request: { inputTokens: 69, maxOutputTokens: 9 },
    });
  });

  it("takes no cap from the top of a conversation", async () => {
    const call = await callIn("conversations", { model: "m", inputs: "", max_tokens: 9 });
    expect(call.request.maxOutputTokens).toBe(0);
  });

  it("is a conversation with an agent", async () => {
    const call = await callIn("conversations", { agent_id: "ag_1", model: null, inputs: "abc" });
    expect(call).toMatchObject({ model: "ag_1", fillsContext: true });
  });

  it.each([
    [{ inputs: "" }, "400 model"],
    [{ inputs: "", model: "m", agent_id: "a" }, "400 agent_id"],
    [{ inputs: "", agent_id: 5 }, "400 agent_id"],
    [{ inputs: {}, model: "m" }, "400 inputs"],
    [{ inputs: "", model: "m", completion_args: [] }, "400 completion_args"],
    [{ inputs: "", model: "m", completion_args: { max_tokens: "9" } }, "400 max_tokens"],
    [{ inputs: "", model: "m", instructions: ["a"] }, "400 instructions"],
  ])("refuses the conversation %j", async (body, fault) => {
    expect(await faultIn("conversations", body)).toBe(fault);
  });

  it.each(["conversations/conv_1", "conversations/conv_1/restart"])("does not know the model at %s", async (path) => {
    expect((await reading(path, { inputs: "a", model: "m" })).kind).toBe("unknown_model");
  });

  it.each([
    ["moderations", { input: "ab" }, 64 + 8 + 2],
    ["classifications", { input: ["ab", "cd"] }, 64 + 2 * 10],
    ["embeddings", { input: ["ab", "é"] }, 64 + 2 * 10],
    ["embeddings", { input: [1, 22, 333] }, 64 + 6],
    ["chat/moderations", { input: [{ role: "user", content: "ab" }] }, 64 + 10],
    ["chat/moderations", { input: [[{ role: "user", content: "ab" }]] }, 64 + 8 + 10],
    ["chat/classifications", { input: { messages: [{ role: "user", content: "ab" }] } }, 64 + 8 + 8 + 10],
  ])("is the input of %s", async (path, body, tokens) => {
    const { request } = await callIn(path, { model: "m", ...body });
    expect(request.inputTokens).toBeGreaterThanOrEqual(tokens);
    expect(request.inputTokens).toBeLessThan(tokens + 20);
    expect(request.maxOutputTokens).toBe(0);
  });

  it.each([
    ["one picture", { document: { type: "image_url", image_url: "https://x" } }, 1],
    ["a document", { document: { type: "document_url", document_url: "https://x" } }, 1000],
    ["a stored file", { document: { type: "file", file_id: "x" } }, 1000],
    ["a picture that is a document too", { document: { image_url: "https://x", document_url: "https://y" } }, 1000],
    ["a picture that says it is a document", { document: { type: "document_url", image_url: "https://x" } }, 1000],
    ["no document", {}, 1000],
    ["a list of pages", { pages: [0, 1, 7] }, 3],
    ["an empty list of pages", { pages: [] }, 1000],
    ["a text of pages", { pages: "0-3,5" }, 5],
    ["a text with spaces", { pages: " 0 - 3 , 5 " }, 5],
    ["an empty text", { pages: "" }, 1000],
    ["a range that runs backwards", { pages: "5-3" }, 3],
    ["more pages than Mistral reads", { pages: "0-999999999" }, 1000],
    ["null for pages", { pages: null }, 1000],
  ])("is the pages of %s", async (_, extra, pages) => {
    const { request } = await callIn("ocr", { model: "mistral-ocr-latest", ...extra });
    expect(request).toEqual({ inputTokens: 0, maxOutputTokens: 0, pages, audioSeconds: 0, annotatedPages: false });
  });

  it.each([5, true, {}, "all", "1;2", "-1", "0-", "1.5", [1.5], [-1], ["1"], [[1, 2]], [{}]])(
    "refuses the pages %j",
    async (pages) => {
      expect(await faultIn("ocr", { model: "m", pages })).toBe("400 pages");
    },
  );

  it.each(["bbox_annotation_format", "document_annotation_format"])("is annotated where %s is set", async (name) => {
    const annotated = async (format: unknown) =>
      (await callIn("ocr", { model: "m", [name]: format })).request.annotatedPages;
    expect(await annotated({ type: "json_schema" })).toBe(true);
    expect(await annotated(null)).toBe(false);
  });

  it("needs a model for pages too", async () => {
    expect(await faultIn("ocr", { model: null })).toBe("400 model");
    expect(await faultIn("ocr", { model: "m", document: "https://x" })).toBe("400 document");
  });
});

describe("a body that two programs might read differently", () => {
  const body = JSON.stringify(CHAT);

  it.each([
    ["a key twice", '{"model":"cheap","model":"dear","messages":[]}'],
    ["a key twice, once escaped", String.raw`{"model":"cheap","mod\u0065l":"dear","messages":[]}`],
    ["a key twice, deep inside", '{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}'],
    ["a byte order mark", `\ufeff${body}`],
    ["a NUL behind it", `${body}\u0000`],
    ["another document behind it", `${body}${body}`],
    ["a comment", `/**/${body}`],
    ["a trailing comma", '{"model":"m","messages":[],}'],
    ["single quotes", "{'model':'m'}"],
    ["NaN", '{"model":"m","temperature":NaN}'],
    ["deep nesting", `{"model":"m","metadata":${"[".repeat(100)}${"]".repeat(100)}}`],
    ["a lone surrogate", String.raw`{"model":"m","stop":"\ud800"}`],
    ["nothing", ""],
  ])("is refused: %s", async (_, sent) => {
    expect(await faultIn("chat/completions", sent)).toBe("400 -");
  });

  it("is refused where one unrelated string is not UTF-8", async () => {
    const sent = Buffer.concat([Buffer.from('{"model":"m","stop":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    expect(await faultIn("chat/completions", sent)).toBe("400 -");
  });

  it("is refused where it is cut short anywhere", async () => {
    const sent = Buffer.from(body);
    for (let length = 0; length < sent.length; length++) {
      expect(await faultIn("chat/completions", sent.subarray(0, length)), `after ${length} bytes`).toBe("400 -");
    }
  });

  it.each(["[]", `[${JSON.stringify(CHAT)}]`, '"model"', "5", "true"])(
    "is refused where it is no object: %s",
    async (sent) => {
      expect(await faultIn("chat/completions", sent)).toBe("400 body");
    },
  );

  it.each([
    [{ messages: "Hello" }, "400 messages"],
    [{ messages: { 0: {} } }, "400 messages"],
    [{ messages: ["Hello"] }, "400 messages"],
    [{ messages: [[{ role: "user", content: "a" }]] }, "400 messages"],
    [{ messages: [{ role: ["tool"], content: "a" }] }, "400 role"],
    [{ messages: [{ role: "user", content: { type: "image_url", image_url: "https://x" } }] }, "400 content"],
    [{ messages: [{ role: "user", content: 5 }] }, "400 content"],
    [{ messages: [{ role: "user", content: ["a"] }] }, "400 content"],
    [{ messages: [{ role: "user", content: [{ type: "text", text: ["a"] }] }] }, "400 text"],
    [{ messages: [{ role: "assistant", tool_calls: "f" }] }, "400 tool_calls"],
  ])("is refused where a value is of the wrong type: %j", async (extra, fault) => {
    expect(await faultIn("chat/completions", { ...CHAT, ...extra })).toBe(fault);
  });

  it.each([
    ["fim/completions", { prompt: ["a"] }, "400 prompt"],
    ["fim/completions", { prompt: "a", suffix: 5 }, "400 suffix"],
    ["embeddings", { input: { a: 1 } }, "400 input"],
    ["chat/moderations", { input: "a" }, "400 input"],
  ])("is refused at %s: %j", async (path, extra, fault) => {
    expect(await faultIn(path, { model: "m", ...extra })).toBe(fault);
  });
});

describe("what comes with a body", () => {
  it.each([
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/json ; charset=utf8",
  ])("may say %s", async (contentType) => {
    expect((await reading("chat/completions", CHAT, { contentType })).kind).toBe("call");
  });

  it.each([
    undefined,
    "",
    "text/plain",
    "application/jsonp",
    "application/json, text/plain",
    "application/json; charset=utf-16",
    "application/json; charset=latin1",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json; charset",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
  ])("may not say it is %s", async (contentType) => {
    expect(await faultIn("chat/completions", CHAT, { contentType })).toBe("415 -");
  });

  it.each(["gzip", "br", "identity, gzip", "deflate", "utf-8"])("may not be encoded: %s", async (contentEncoding) => {
    expect(await faultIn("chat/completions", CHAT, { contentEncoding })).toBe("415 -");
  });

  it.each(["identity", "Identity", ""])("may say that it is not encoded: %j", async (contentEncoding) => {
    expect((await reading("chat/completions", CHAT, { contentEncoding })).kind).toBe("call");
  });

  it("must be the whole of it", async () => {
    const { length } = JSON.stringify(CHAT);
    expect((await reading("chat/completions", CHAT, { contentLength: length })).kind).toBe("call");
    expect(await faultIn("chat/completions", CHAT, { isPartial: true })).toBe("413 -");
    expect(await faultIn("chat/completions", CHAT, { contentLength: length + 1 })).toBe("413 -");
    expect(await faultIn("chat/completions", CHAT, { contentLength: length - 1 })).toBe("400 -");
  });
});

describe("a long body", () => {
  const sent = (content: string) => JSON.stringify({ ...CHAT, messages: [{ role: "user", content }] });

  it("is read as a short one is", async () => {
    const { request } = await callIn("chat/completions", sent("é\n".repeat(100_000)));
    expect(request.inputTokens).toBe(64 + 8 + 300_000);
  });

  it("is refused for what stands at its end", async () => {
    expect(await faultIn("chat/completions", `${sent("a".repeat(100_000))} x`)).toBe("400 -");
  });

  it("lets others run while it is read, and a short one does not wait", async () => {
    const route = { kind: "call", endpoint: "chat_completions", form: "chat" } as const;
    const head = {
      contentType: "application/json",
      contentEncoding: undefined,
      isPartial: false,
      contentLength: undefined,
    };
    expect(readCall(route, { ...head, body: Buffer.from(sent("a")) })).toMatchObject({ kind: "call" });

    let turns = 0;
    let isRead = false;
    const count = () => {
      turns++;
      if (!isRead) setImmediate(count);
    };
    setImmediate(count);
    await readCall(route, { ...head, body: Buffer.from(sent("a".repeat(1 << 20))) });
    isRead = true;
    expect(turns).toBeGreaterThan(20);
  });

  it("is not read on once nobody waits for it", async () => {
    let asked = 0;
    const body = Buffer.from(text(`"x":"${"a".repeat(1024 * 1024)}"`));
    const isGivenUp = () => ++asked === 3;
    expect(await reading("chat/completions", body, { isGivenUp })).toMatchObject({ message: "the caller has gone" });
    expect(asked).toBe(3);
  });
});
