import { connect as connectHttp2, constants } from "node:http2";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { formatAddress } from "../../src/transport/address.js";
import { type RunningService, startService, statusOf } from "./running-service.js";

const POLICY = `
version: 1
workspaces:
  dev: { models: ["*"], limits: { usd_per_month: 9_007_199 } }
  lab: { models: ["*"] }
roles:
  crew: { models: ["*"] }
principals:
  robot: { role: crew, workspace: dev }
`;

const ada = { id: "ada", role: "crew", workspace: "dev" };
const good = { principal: ada, model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const usage = { input_tokens: 1 };

type Method = "authorize" | "recordUsage" | "checkBudget";

/** What is wrong, by which call, the status, and what its text names. */
const FAULTS: readonly [string, Method, object, keyof typeof status, RegExp][] = [
  ["no model", "authorize", { ...good, model: "" }, "INVALID_ARGUMENT", /^model: is required/],
  ["no principal", "authorize", { ...good, principal: undefined }, "INVALID_ARGUMENT", /^principal\.id: is required/],
  ["no principal id", "authorize", { ...good, principal: { ...ada, id: "" } }, "INVALID_ARGUMENT", /^principal\.id: /],
  [
    "no role of an unlisted one",
    "authorize",
    { ...good, principal: { ...ada, role: "" } },
    "INVALID_ARGUMENT",
    /^principal\.role: /,
  ],
  [
    "no workspace of an unlisted one",
    "authorize",
    { ...good, principal: { ...ada, workspace: "" } },
    "INVALID_ARGUMENT",
    /^principal\.workspace: /,
  ],
  [
    "a newline in an id",
    "authorize",
    { ...good, principal: { ...ada, id: "a\nb" } },
    "INVALID_ARGUMENT",
    /^principal\.id: /,
  ],
  ["a space in an id", "authorize", { ...good, request_id: "a b" }, "INVALID_ARGUMENT", /^request_id: /],
  ["a quote in an id", "authorize", { ...good, request_id: 'a"b' }, "INVALID_ARGUMENT", /^request_id: /],
  ["a brace in an id", "authorize", { ...good, model: "a{b" }, "INVALID_ARGUMENT", /^model: /],
  [
    "wild Unicode in an id",
    "authorize",
    { ...good, principal: { ...ada, id: "ａｄａ\u202e" } },
    "INVALID_ARGUMENT",
    /^principal\.id: /,
  ],
  [
    "an id of 129 characters",
    "authorize",
    { ...good, request_id: "x".repeat(129) },
    "INVALID_ARGUMENT",
    /^request_id: /,
  ],
  [
    "a dot in a role",
    "authorize",
    { ...good, principal: { ...ada, role: "a.b" } },
    "INVALID_ARGUMENT",
    /^principal\.role: /,
  ],
  [
    "a long workspace",
    "authorize",
    { ...good, principal: { ...ada, workspace: "w".repeat(65) } },
    "INVALID_ARGUMENT",
    /^principal\.workspace: /,
  ],
  [
    "negative input",
    "authorize",
    { ...good, input_tokens: -1 },
    "INVALID_ARGUMENT",
    /^input_tokens: must not be negative/,
  ],
  ["negative output", "authorize", { ...good, max_output_tokens: -1 }, "INVALID_ARGUMENT", /^max_output_tokens: /],
  ["negative pages", "authorize", { ...good, pages: -7 }, "INVALID_ARGUMENT", /^pages: /],
  ["negative audio", "authorize", { ...good, audio_seconds: -7 }, "INVALID_ARGUMENT", /^audio_seconds: /],
  [
    "input beyond 2^53-1",
    "authorize",
    { ...good, input_tokens: "9007199254740992" },
    "INVALID_ARGUMENT",
    /^input_tokens: .*2\^53-1/,
  ],
  [
    "output at the end of int64",
    "authorize",
    { ...good, max_output_tokens: "9223372036854775807" },
    "INVALID_ARGUMENT",
    /^max_output_tokens: /,
  ],
  [
    "input at the other end",
    "authorize",
    { ...good, input_tokens: "-9223372036854775808" },
    "INVALID_ARGUMENT",
    /^input_tokens: /,
  ],
  [
    "an estimate beyond 2^53-1",
    "authorize",
    { ...good, input_tokens: 2 ** 53 - 1 },
    "INVALID_ARGUMENT",
    /^input_tokens: .*2\^53-1/,
  ],
  [
    "an estimate beyond 2^53-1 of a model that the rules refuse",
    "authorize",
    { ...good, endpoint: "ENDPOINT_EMBEDDINGS", model: "mistral-embed", input_tokens: 2 ** 53 - 1 },
    "INVALID_ARGUMENT",
    /^input_tokens: /,
  ],
  ["an unknown endpoint", "authorize", { ...good, endpoint: 99 }, "INVALID_ARGUMENT", /^endpoint: 99/],
  ["a negative endpoint", "authorize", { ...good, endpoint: -1 }, "INVALID_ARGUMENT", /^endpoint: -1/],
  [
    "ocr without pages",
    "authorize",
    { ...good, model: "mistral-ocr-latest" },
    "INVALID_ARGUMENT",
    /^pages: is required/,
  ],
  [
    "ocr without pages, of an unknown role",
    "authorize",
    { ...good, model: "mistral-ocr-latest", principal: { ...ada, role: "boss" } },
    "INVALID_ARGUMENT",
    /^pages: is required/,
  ],
  [
    "transcription without seconds",
    "authorize",
    { ...good, endpoint: "ENDPOINT_AUDIO_TRANSCRIPTIONS" },
    "INVALID_ARGUMENT",
    /^audio_seconds: is required/,
  ],
  [
    "17 labels",
    "authorize",
    { ...good, labels: Object.fromEntries(Array.from({ length: 17 }, (_, key) => [`k${key}`, "v"])) },
    "INVALID_ARGUMENT",
    /^labels: /,
  ],
  ["a label in capitals", "authorize", { ...good, labels: { Team: "a" } }, "INVALID_ARGUMENT", /^labels: /],
  [
    "a long label",
    "authorize",
    { ...good, labels: { team: "é".repeat(65) } },
    "INVALID_ARGUMENT",
    /^labels\.team: .*128 bytes/,
  ],
  [
    "another role of a listed one",
    "authorize",
    { ...good, principal: { id: "robot", role: "boss" } },
    "PERMISSION_DENIED",
    /^principal\.role: /,
  ],
  [
    "another workspace of a listed one",
    "authorize",
    { ...good, principal: { id: "robot", workspace: "lab" } },
    "PERMISSION_DENIED",
    /^principal\.workspace: /,
  ],
  ["neither id", "recordUsage", { usage }, "INVALID_ARGUMENT", /^reservation_id: is required/],
  [
    "a long reservation_id",
    "recordUsage",
    { reservation_id: "x".repeat(513), usage },
    "INVALID_ARGUMENT",
    /^reservation_id: /,
  ],
  [
    "an unknown reservation of nobody",
    "recordUsage",
    { reservation_id: "x", usage },
    "INVALID_ARGUMENT",
    /^principal\.id: /,
  ],
  [
    "an unknown reservation of no model",
    "recordUsage",
    { reservation_id: "x", principal: ada, usage },
    "INVALID_ARGUMENT",
    /^model: /,
  ],
  [
    "an unknown reservation without usage",
    "recordUsage",
    { reservation_id: "x", principal: ada, model: "mistral-embed" },
    "INVALID_ARGUMENT",
    /^usage: /,
  ],
  [
    "an unknown reservation of an unknown model",
    "recordUsage",
    { reservation_id: "x", principal: ada, model: "gpt-9", usage },
    "NOT_FOUND",
    /^model: gpt-9/,
  ],
  [
    "an unknown reservation of an unknown role",
    "recordUsage",
    { reservation_id: "x", principal: { ...ada, role: "boss" }, model: "mistral-embed", usage },
    "NOT_FOUND",
    /boss/,
  ],
  [
    "cached above input",
    "recordUsage",
    { reservation_id: "x", usage: { input_tokens: 1, cached_input_tokens: 2 } },
    "INVALID_ARGUMENT",
    /^usage\.cached_input_tokens: /,
  ],
  [
    "negative usage",
    "recordUsage",
    { reservation_id: "x", usage: { output_tokens: -1 } },
    "INVALID_ARGUMENT",
    /^usage\.output_tokens: /,
  ],
  [
    "usage beyond 2^53-1",
    "recordUsage",
    { reservation_id: "x", usage: { pages: "9007199254740992" } },
    "INVALID_ARGUMENT",
    /^usage\.pages: /,
  ],
  ["an unknown outcome", "recordUsage", { reservation_id: "x", usage, outcome: 9 }, "INVALID_ARGUMENT", /^outcome: 9/],
  [
    "usage that costs beyond 2^53-1",
    "recordUsage",
    { reservation_id: "x", principal: ada, model: "mistral-small-latest", usage: { input_tokens: 2 ** 53 - 1 } },
    "INVALID_ARGUMENT",
    /^usage: .*2\^53-1/,
  ],
  ["a budget of nobody", "checkBudget", {}, "INVALID_ARGUMENT", /^principal\.id: /],
  [
    "a budget of an unknown workspace",
    "checkBudget",
    { principal: { ...ada, workspace: "attic" } },
    "NOT_FOUND",
    /attic/,
  ],
  ["a budget of an unknown role", "checkBudget", { principal: { ...ada, role: "boss" } }, "NOT_FOUND", /boss/],
  [
    "a budget with a model of the wrong form",
    "checkBudget",
    { principal: ada, model: "a b" },
    "INVALID_ARGUMENT",
    /^model: /,
  ],
];

describe("a fault in a message", () => {
  it.each(FAULTS)("%s", async (_, method, request, code, text) => {
    const { client } = await startService(POLICY);
    const refused = await statusOf(client[method](request));
    expect(status[refused.code]).toBe(code);
    expect(refused.details).toMatch(text);
  });

  it("counts nothing", async () => {
    const { client } = await startService(POLICY);
    for (const [, method, request] of FAULTS) await statusOf(client[method](request));
    const { limits } = await client.checkBudget({ principal: ada });
    expect(limits).toMatchObject([{ used: 0, reserved: 0 }]);
  });

  it("is NOT_FOUND for an unlisted principal's budget where the policy denies those", async () => {
    const { client } = await startService(`${POLICY}\nunlisted_principals: deny\n`);
    expect(await statusOf(client.checkBudget({ principal: ada }))).toMatchObject({ code: status.NOT_FOUND });
    const report = { request_id: "r", principal: ada, model: "mistral-embed", usage };
    expect(await statusOf(client.recordUsage(report))).toMatchObject({ code: status.NOT_FOUND });
  });
});

describe("bytes that are no message", () => {
  it.each(["Authorize", "RecordUsage", "CheckBudget"])("end %s with INVALID_ARGUMENT", async (method) => {
    const { client } = await startService(POLICY);
    for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.from([0x0a, 0x05, 0x61]), Buffer.alloc(100, 0x12)]) {
      expect(await statusOf(client.sendBytes(method, bytes))).toMatchObject({ code: status.INVALID_ARGUMENT });
    }
  });

  it("end with RESOURCE_EXHAUSTED where they are more than 64 KiB", async () => {
    const { client } = await startService(POLICY);
    const request = { ...good, labels: { a: "x".repeat(65_536) } };
    expect(await statusOf(client.authorize(request))).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it("are skipped where they are fields that only a newer client knows", async () => {
    const { client } = await startService(POLICY);
    const newer = Buffer.concat([client.encode("Authorize", good), Buffer.from([0xa0, 0x06, 0x01])]);
    expect((await client.sendBytes("Authorize", newer)).length).toBeGreaterThan(50);
  });
});

describe("a caller who stops waiting", () => {
  it("is answered DEADLINE_EXCEEDED once its deadline has passed, and nothing is reserved", async () => {
    const running = await startService(POLICY);
    const untilTooLate = "5m";
    expect(await callWithTimeout(running, untilTooLate, { withholdMessage: true })).toBe(
      String(status.DEADLINE_EXCEEDED),
    );
    const { limits } = await running.client.checkBudget({ principal: ada });
    expect(limits[0]).toMatchObject({ reserved: 0 });
  });

  it("is decided on within a deadline that lasts", async () => {
    const running = await startService(POLICY);
    expect(await callWithTimeout(running, "20S")).toBe("0");
  });
});

/** Call Authorize over bare HTTP/2 and give grpc-status: a client library would end the call by its own clock first. */
function callWithTimeout(
  { client, service }: RunningService,
  timeout: string,
  { withholdMessage = false } = {},
): Promise<string> {
  const [address] = service.addresses();
  if (!address) throw new Error("nothing listens");
  const session = connectHttp2(`http://${formatAddress(address)}`);
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: "/windbreak.v1.PolicyDecisionService/Authorize",
    "content-type": "application/grpc",
    "grpc-timeout": timeout,
    te: "trailers",
  });
  const message = client.encode("Authorize", good);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  if (!withholdMessage) stream.end(Buffer.concat([prefix, message]));
  stream.resume();
  return new Promise((resolve, reject) => {
    const done = (headers: NodeJS.Dict<unknown>) => {
      const code = headers["grpc-status"];
      if (code === undefined) return;
      resolve(String(code));
      stream.close();
    };
    stream.on("response", done);
    stream.on("trailers", done);
    stream.on("error", reject);
    stream.on("close", () => session.close());
  });
}
