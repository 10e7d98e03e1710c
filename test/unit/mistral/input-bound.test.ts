import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callIn } from "./readings.js";

const bytes = (text: string) => Buffer.byteLength(text);
const tokensOf = async (body: unknown, path = "chat/completions") => (await callIn(path, body)).request.inputTokens;

/** JSON as Python writes it: a space behind each separator, and floats written out up to 1e16. */
function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${written(one)}`);
  return `{${parts.join(", ")}}`;
}

/** A text as a template writes it that takes it for JSON where it is JSON. */
function writtenAgain(text: string): string {
  try {
    return written(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return JSON.stringify(text);
    throw error;
  }
}

interface Message {
  readonly role: string;
  readonly content: string | readonly Chunk[];
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: unknown };
  }[];
}

type Chunk =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: string };

/** The longest that a template of Mistral makes of a message, in bytes, its pictures apart. */
function templated({ role, content, tool_calls = [] }: Message): number {
  const text =
    typeof content === "string" ? content : content.map((one) => (one.type === "text" ? one.text : "")).join("\n\n");
  const whole = role === "tool" ? `{"content": ${writtenAgain(text)}, "call_id": "null"}` : text;
  const calls = tool_calls.map(({ id, function: { name, arguments: given } }) => {
    const filled = typeof given === "string" ? writtenAgain(given) : written(given);
    return `{"name": ${JSON.stringify(name)}, "arguments": ${filled}, "id": ${JSON.stringify(id)}}`;
  });
  return bytes(whole) + bytes(calls.join(", ")) + 4;
}

/** Texts that are hard to count: of every script, full of escapes, or JSON themselves. */
const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "\n", "\u0001", "é", "😀", ":", ",", "e", "1") }),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
);
const chunk: fc.Arbitrary<Chunk> = fc.oneof(
  text.map((one) => ({ type: "text" as const, text: one })),
  fc.constant({ type: "image_url" as const, image_url: `data:image/png;base64,${"A".repeat(5000)}` }),
);
const message: fc.Arbitrary<Message> = fc.record(
  {
    role: fc.constantFrom("system", "user", "assistant", "tool"),
    content: fc.oneof(text, fc.array(chunk, { maxLength: 4 })),
    tool_calls: fc.array(
      fc.record({
        id: fc.string({ maxLength: 9 }),
        function: fc.record({
          name: fc.string(),
          arguments: fc.oneof(text, fc.dictionary(fc.string(), fc.jsonValue())),
        }),
      }),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ["role", "content"] },
);
const tool = fc.record({
  type: fc.constant("function"),
  function: fc.record({ name: fc.string(), parameters: fc.dictionary(fc.string(), fc.jsonValue()) }),
});

/** The same JSON with everything escaped that can be, or with white space in it, or with its keys turned round. */
const sendings: readonly ((body: object) => string)[] = [
  JSON.stringify,
  (body) => JSON.stringify(body, undefined, 2),
  (body) =>
    JSON.stringify(body).replace(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  (body) => JSON.stringify(turned(body)),
];

/** A text as a JSON string in which nothing is written as itself that a count could look for. */
function hidden(text: string): string {
  return text.replace(/["e:,]/gi, (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`);
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, one]) => [key, turned(one)]),
  );
}

describe("the bound of a prompt", () => {
  it.each([{}, [], 7, true, "{}"])("holds the frame of a tool's call whose arguments are %j", async (given) => {
    const calls = (count: number) => ({
      model: "m",
      messages: [
        {
          role: "assistant",
          content: "",
          tool_calls: Array(count).fill({ id: "", function: { name: "", arguments: given } }),
        },
      ],
    });
    const frame = bytes(`{"name": "", "arguments": ${JSON.stringify(given)}, "id": ""}, `);
    expect((await tokensOf(calls(3))) - (await tokensOf(calls(2)))).toBeGreaterThanOrEqual(frame);
  });

  it("holds what a template can make of it at the longest, however it is sent", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 5 }),
        fc.array(tool, { maxLength: 3 }),
        fc.constantFrom(...sendings),
        async (messages, tools, send) => {
          const images = messages.flatMap(({ content }) =>
            typeof content === "string" ? [] : content.filter((one) => one.type === "image_url"),
          );
          const dumped = tools.map(({ function: { name, parameters } }) =>
            written({ type: "function", function: { name, description: "", strict: false, parameters } }),
          );
          const most =
            messages.map(templated).reduce((sum, one) => sum + one, 0) +
            bytes(`[${dumped.join(", ")}]`) +
            images.length * 3080;
          const tokens = await tokensOf(send({ model: "m", messages, tools }));
          expect(tokens).toBeGreaterThanOrEqual(most);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is the same in every spelling of the same text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text), async (texts) => {
        const body = { model: "m", messages: texts.map((content) => ({ role: "user", content })) };
        const counts = await Promise.all(sendings.map((send) => tokensOf(send(body))));
        const expected = 64 + texts.map((one) => 8 + bytes(one)).reduce((sum, one) => sum + one, 0);
        expect(counts).toEqual(sendings.map(() => expected));
      }),
    );
  });

  it("counts a picture by its place, whatever its bytes", async () => {
    const seen = (image_url: unknown, model = "mistral-small-2603") =>
      tokensOf({ model, messages: [{ role: "user", content: [{ type: "image_url", image_url }] }] });
    const one = await seen("https://x");
    expect(one).toBeGreaterThanOrEqual(3080);
    expect(one).toBeLessThan(3080 + 200);
    expect(await seen(`data:image/png;base64,${"A".repeat(100_000)}`)).toBe(one);
    expect(await seen({ url: `data:image/png;base64,${"A".repeat(100_000)}`, detail: "low" })).toBe(one);
    expect(await seen("https://x", "Pixtral-large-2411")).toBe(one + 4160 - 3080);
  });

  it("counts the bytes of a picture that is sent as a text", async () => {
    const content = [{ type: "text", text: `data:image/png;base64,${"A".repeat(1000)}` }];
    expect(await tokensOf({ model: "m", messages: [{ role: "user", content }] })).toBeGreaterThan(1000);
  });

  it("counts what a model thought before", async () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "a".repeat(500) }], signature: "b".repeat(300) },
    ];
    expect(await tokensOf({ model: "m", messages: [{ role: "assistant", content }] })).toBeGreaterThan(800);
  });

  it.each([
    ["a list of numbers", Array(1000).fill(1)],
    ["an object of many keys", Object.fromEntries(Array.from({ length: 1000 }, (_, nth) => [`${nth}`, 1]))],
    ["small objects in an object", Object.fromEntries(Array.from({ length: 1000 }, (_, nth) => [`${nth}`, { a: 1 }]))],
    ["small lists in a list", Array(1000).fill([[]])],
  ])("leaves room for the spaces that Python writes into %s", async (_, value) => {
    const python = bytes(written(value));
    const sent = bytes(JSON.stringify(value));
    const bounds = [
      await tokensOf({
        model: "m",
        messages: [],
        tools: [{ type: "function", function: { name: "f", parameters: { value } } }],
      }),
      await tokensOf({
        model: "m",
        messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: value } }] }],
      }),
    ];
    const again = [
      await tokensOf({ model: "m", messages: [{ role: "tool", content: JSON.stringify(value) }] }),
      await tokensOf(`{"model":"m","messages":[{"role":"tool","content":"${hidden(JSON.stringify(value))}"}]}`),
    ];
    for (const bound of [...bounds, ...again]) expect(bound).toBeGreaterThanOrEqual(python);
    for (const bound of bounds) expect(bound).toBeLessThan(2 * sent + 300);
  });

  it.each([
    [
      "tools",
      (many: number) => ({ tools: Array(many).fill({ function: { name: "f", parameters: {} } }) }),
      '{"type": "function", "function": {"name": "f", "description": "", "strict": false, "parameters": {}}}, ',
    ],
    [
      "results of tools",
      (many: number) => ({ messages: Array(many).fill({ role: "tool", content: "" }) }),
      '{"content": "", "call_id": "null"}',
    ],
    [
      "pieces of such a result",
      (many: number) => ({ messages: [{ role: "tool", content: Array(many).fill({ type: "text", text: "" }) }] }),
      '{"type": "text", "text": ""}, ',
    ],
  ])("leaves room for what Mistral writes around many %s", async (_, body, each) => {
    const tokens = await tokensOf({ model: "m", messages: [], ...body(100) });
    expect(tokens).toBeGreaterThanOrEqual(100 * each.length);
  });

  it("counts what is within a tool once", async () => {
    const tools = [{ type: "function", function: { name: "f" }, note: "a".repeat(1000) }];
    const tokens = await tokensOf({ model: "m", messages: [], tools });
    expect(tokens).toBeLessThan(1400);
  });

  it.each([
    ["1e15", "1000000000000000.0"],
    ["1.5e15", "1500000000000000.0"],
    ["-1E+15", "-1000000000000000.0"],
    ["1e400", "Infinity"],
    ["1e-4", "0.0001"],
  ])("leaves room for %s, which Python writes as %s", async (number, python) => {
    const many = (one: string) => Array(200).fill(one).join();
    const parameters = `{"type":"function","function":{"name":"f","parameters":{"enum":[${many(number)}]}}}`;
    const inTool = await tokensOf(`{"model":"m","messages":[],"tools":[${parameters}]}`);
    expect(inTool).toBeGreaterThan(200 * (python.length + 2));
    const call = { function: { name: "f", arguments: `[${many(number)}]` } };
    const inCall = await tokensOf({ model: "m", messages: [{ role: "assistant", tool_calls: [call] }] });
    expect(inCall).toBeGreaterThan(200 * (python.length + 2));
    const result = await tokensOf({ model: "m", messages: [{ content: `[${many(number)}]`, role: "tool" }] });
    expect(result).toBeGreaterThan(200 * (python.length + 2));
    const inHidden = await tokensOf(
      `{"model":"m","messages":[{"role":"tool","content":"${hidden(`[${many(number)}]`)}"}]}`,
    );
    expect(inHidden).toBeGreaterThan(200 * (python.length + 2));
  });

  it.each(["tool", "developer", undefined])(
    "takes the content of a message of the role %s for a tool's",
    async (role) => {
      const content = "\u0001".repeat(100);
      expect(await tokensOf({ model: "m", messages: [{ content, role }] })).toBeGreaterThan(600);
      expect(await tokensOf({ model: "m", messages: [{ content, role: "user" }] })).toBe(64 + 8 + 100);
    },
  );

  it.each([
    ["a member that Mistral does not know", { surprise: { text: "a".repeat(1000) } }],
    ["a long key", { ["a".repeat(1000)]: null }],
    [
      "a response's schema",
      { response_format: { type: "json_schema", json_schema: { schema: { title: "a".repeat(1000) } } } },
    ],
    ["a predicted answer", { prediction: { type: "content", content: "a".repeat(1000) } }],
    ["a list where a text is due", { reasoning_effort: ["a".repeat(1000)] }],
    ["a name that is a list", { messages: [{ role: "user", content: "", name: ["a".repeat(1000)] }] }],
    ["an unknown member of a message", { messages: [{ role: "user", content: "", note: "a".repeat(1000) }] }],
    [
      "an unknown member of a chunk",
      { messages: [{ role: "user", content: [{ type: "text", text: "", note: "a".repeat(1000) }] }] },
    ],
  ])("counts %s", async (_, extra) => {
    const tokens = await tokensOf({ model: "m", messages: [], ...extra });
    expect(tokens).toBeGreaterThanOrEqual(1000);
    expect(tokens).toBeLessThan(1300);
  });

  it.each(["metadata", "stop", "prompt_cache_key"])("does not count %s, which stands in no prompt", async (name) => {
    expect(await tokensOf({ model: "m", messages: [], [name]: "a".repeat(1000) })).toBe(64);
  });

  it("counts the steps of a conversation", async () => {
    const inputs = [
      { type: "message.input", object: "entry", role: "user", content: "a".repeat(100) },
      { type: "function.call", tool_call_id: "1", name: "f", arguments: "b".repeat(100) },
      { type: "function.result", tool_call_id: "1", result: "\u0001".repeat(100) },
      { type: "tool.execution", name: "web_search", arguments: "{}", info: { found: "c".repeat(100) } },
    ];
    const tokens = await tokensOf({ model: "m", inputs }, "conversations");
    expect(tokens).toBeGreaterThan(100 + 100 + 600 + 100);
    expect(tokens).toBeLessThan(900 + 64 + 4 * 150);
  });

  it("counts every text and every number of embeddings", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(text, fc.array(fc.nat()))), async (input) => {
        const most = input
          .map((one) => (typeof one === "string" ? bytes(one) : one.length))
          .reduce((sum, one) => sum + one, 0);
        expect(await tokensOf({ model: "m", input }, "embeddings")).toBeGreaterThanOrEqual(64 + most);
      }),
    );
  });
});
