import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatAddress } from "../../src/transport/address.js";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { eventually } from "../support/eventually.js";
import { answerMessages, type Checked, chat, connectEnvoy, type Told } from "./envoy-client.js";
import { connect, type RunningService, startService, statusOf, temporaryDirectory } from "./running-service.js";

const API_KEY = apiKeyOf("ci");

const POLICY = `
version: 1
organization: acme
limits: { usd_per_month: 100 }
workspaces:
  reviews:
    models: [mistral-small-latest, mistral-embed, mistral-ocr-latest]
    upstream_key: { env: REVIEWS }
    limits: { requests_per_minute: 5, usd_per_month: 0.01 }
  lab:
    models: ["*"]
    upstream_key: { env: LAB }
    unbounded: [batch, priority_tier, built_in_tools]
roles:
  reviewer: { models: ["*"], limits: { tokens_per_day: 100_000, tokens_per_request: 20_000 } }
principals:
  ci: { role: reviewer, workspace: reviews, credentials: [{ api_key_sha256: "${apiKeyHashOf("ci")}" }] }
  gone: { role: reviewer, workspace: reviews, disabled: true }
  lab-bot: { role: reviewer, workspace: lab, credentials: [{ spiffe: spiffe://acme/ns/lab/sa/bot }] }
trust:
  - jwt: { issuer: https://idp.acme.example, audience: windbreak, jwks: https://idp.acme.example/jwks }
    principal: { claim: sub }
    role: reviewer
    workspace: { claim: team, map: { quality: reviews } }
`;

const TOKEN = { iss: "https://idp.acme.example", aud: "windbreak", sub: "ada", team: "quality" };
const CI: Told = { extensions: { "windbreak.principal": "ci" } };
const LAB: Told = { extensions: { "windbreak.principal": "lab-bot" } };

async function openDoor(policy = POLICY, overrides: Parameters<typeof startService>[1] = {}) {
  const path = join(temporaryDirectory(), "envoy.sock");
  const envoy = { listen: [{ kind: "unix", path } as const], peers: [] };
  const service = await startService(policy, { envoy, ...overrides });
  return { ...service, envoy: connectEnvoy(`unix:${path}`) };
}

type Door = Awaited<ReturnType<typeof openDoor>>;

/** used / reserved of a limit of `ci`'s. */
async function standing({ client }: Pick<RunningService, "client">, name: string, id = "ci"): Promise<string> {
  const { limits } = await client.checkBudget({ principal: { id } });
  const limit = limits.find((one: { name: string }) => one.name === name);
  return `${limit?.used}/${limit?.reserved}`;
}

/** Send what Envoy sends of one answer, and await its settlement. */
async function answer(door: Door, messages: readonly object[], end: "eos" | "half-close" = "eos") {
  const stream = door.envoy.process();
  const over = once(stream, "status");
  stream.on("data", () => {});
  for (const message of messages) stream.write(message);
  if (end === "half-close") stream.end();
  await over;
}

/** The same, and break off once all of it was read. */
async function breakOff(door: Door, messages: readonly object[]) {
  const stream = door.envoy.process();
  const broken = once(stream, "error");
  let read = 0;
  stream.on("data", () => {
    if (++read === messages.length) stream.cancel();
  });
  for (const message of messages) stream.write(message);
  await broken.catch(() => undefined);
}

const USAGE = '{"id":"1","usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18},"choices":[]}';
const TOKENS = "roles.reviewer.tokens_per_day";

describe("Envoy's door, where a call may go on", () => {
  it("replaces the credential by the workspace's key, and tells its client what is left", async () => {
    const { envoy } = await openDoor();
    const checked = await envoy.check({ ...CI, headers: { authorization: "Bearer of-the-client" } });
    expect(checked.status).toBe(0);
    expect(checked.headers).toEqual({ authorization: "Bearer key-of-REVIEWS" });
    expect(checked.removed).toEqual(["x-api-key"]);
    expect(checked.toClient).toEqual({
      "x-windbreak-reason": "allowed",
      "x-windbreak-limit": "workspaces.reviews.requests_per_minute",
      "x-windbreak-remaining": "4",
      "x-windbreak-reset": expect.stringMatching(/^6\d$/),
    });
    expect(checked.replaces).toBe(true);
  });

  it("notes in strings what its settlement needs", async () => {
    const { envoy } = await openDoor();
    const { metadata } = await envoy.check({ ...CI, body: chat({ stream: true }) });
    expect(metadata).toEqual({
      windbreak_reservation_id: expect.stringMatching(/^\S+$/),
      windbreak_reason: "allowed",
      windbreak_policy_revision: expect.stringMatching(/^[0-9a-f]{16}$/),
      windbreak_principal: "ci",
      windbreak_role: "reviewer",
      windbreak_workspace: "reviews",
      windbreak_model: "mistral-small-2603",
      windbreak_endpoint: "chat_completions",
      windbreak_input_tokens: expect.stringMatching(/^\d+$/),
      windbreak_max_output_tokens: "100",
      windbreak_stream: "true",
    });
  });

  it("reserves the bytes of the prompt and n answers", async () => {
    const door = await openDoor();
    const { metadata } = await door.envoy.check({ ...CI, body: chat({ n: 3 }) });
    expect(metadata["windbreak_max_output_tokens"]).toBe("300");
    expect(await standing(door, TOKENS)).toBe(`0/${300 + Number(metadata["windbreak_input_tokens"])}`);
  });

  it("reserves the default cap for each answer where none is named", async () => {
    const { envoy } = await openDoor();
    const { metadata } = await envoy.check({ ...CI, body: chat({ n: 2, max_tokens: null }) });
    expect(metadata["windbreak_max_output_tokens"]).toBe("8192");
  });

  it("lets the list of models be read, and counts nothing", async () => {
    const door = await openDoor();
    const checked = await door.envoy.check({ ...CI, method: "GET", path: "/v1/models", body: "" });
    expect(checked).toMatchObject({ status: 0, headers: { authorization: "Bearer key-of-REVIEWS" } });
    expect(checked.metadata["windbreak_reservation_id"]).toBeUndefined();
    expect(await standing(door, TOKENS)).toBe("0/0");
  });

  it.each([
    ["a key of Windbreak's own", { headers: { authorization: `Bearer ${API_KEY}` } }, "ci"],
    ["the client's certificate", { principal: "spiffe://acme/ns/lab/sa/bot" }, "lab-bot"],
    ["the route", LAB, "lab-bot"],
    ["a token that Envoy verified", { claims: [TOKEN] }, "ada"],
    ["two tokens that agree", { claims: [TOKEN, { ...TOKEN, aud: "another" }] }, "ada"],
    ["two tokens that agree, the other way round", { claims: [{ ...TOKEN, aud: "another" }, TOKEN] }, "ada"],
    ["two that agree", { ...CI, headers: { authorization: `Bearer ${API_KEY}` } }, "ci"],
  ])("knows who asks by %s", async (_, told, who) => {
    const { envoy } = await openDoor();
    expect((await envoy.check(told)).metadata["windbreak_principal"]).toBe(who);
  });

  it("takes everybody for the one whom --identity fixed names", async () => {
    const { envoy } = await openDoor(POLICY, { identity: { kind: "fixed", id: "ci" } });
    expect((await envoy.check({})).metadata["windbreak_principal"]).toBe("ci");
    expect((await envoy.check(LAB)).status).toBe(403);
  });

  it.each(["batch", "service_tier", "tools"])("lets %s through where the policy lists it", async (what) => {
    const { envoy } = await openDoor();
    const told = {
      batch: { path: "/v1/batch/jobs", body: {} },
      service_tier: { body: chat({ service_tier: "auto" }) },
      tools: { body: chat({ tools: [{ type: "web_search" }], max_tokens: 10 }) },
    }[what];
    const checked = await envoy.check({ ...LAB, ...told });
    // Built-in tools fill the context, and that is more than the role's tokens_per_request.
    expect(checked.status).toBe(what === "tools" ? 422 : 0);
  });
});

function bodyOf({ body }: Checked) {
  return JSON.parse(body) as Record<string, unknown>;
}

describe("Envoy's door, where a call ends", () => {
  it.each<[string, Told, number, string]>([
    ["nobody", {}, 401, "unauthenticated"],
    ["a bearer token that is no key", { headers: { authorization: "Bearer none" } }, 401, "unauthenticated"],
    ["an unknown key", { headers: { authorization: `Bearer ${apiKeyOf("another")}` } }, 401, "unauthenticated"],
    ["a key that is not whole", { headers: { authorization: `Bearer ${API_KEY}x` } }, 401, "unauthenticated"],
    ["two keys", { headers: { authorization: `Bearer ${API_KEY},Bearer ${API_KEY}` } }, 401, "unauthenticated"],
    [
      "two keys in one header, though the route names somebody",
      { ...CI, headers: { authorization: `Bearer ${API_KEY},Bearer ${apiKeyOf("another")}` } },
      401,
      "unauthenticated",
    ],
    ["a key that comes as no bearer", { ...CI, headers: { authorization: API_KEY } }, 401, "unauthenticated"],
    [
      "a key behind another token",
      { ...CI, headers: { authorization: `Bearer x, Bearer ${API_KEY}` } },
      401,
      "unauthenticated",
    ],
    [
      "two tokens, one of them of nobody's team",
      { claims: [TOKEN, { ...TOKEN, sub: "eve", team: "x" }] },
      403,
      "permission_denied",
    ],
    ["two tokens that disagree", { claims: [TOKEN, { ...TOKEN, sub: "eve" }] }, 403, "permission_denied"],
    ["two who disagree", { ...LAB, headers: { authorization: `Bearer ${API_KEY}` } }, 403, "permission_denied"],
    ["a certificate that means nobody", { principal: "spiffe://acme/ns/x/sa/y" }, 403, "unknown_principal"],
    ["an unlisted name without a role", { extensions: { "windbreak.principal": "eve" } }, 403, "invalid_request"],
    ["a token whose team is not mapped", { claims: [{ ...TOKEN, team: "x" }] }, 403, "unknown_workspace"],
    ["a disabled principal", { extensions: { "windbreak.principal": "gone" } }, 403, "principal_disabled"],
    ["a model that nobody knows", { ...CI, body: chat({ model: "gpt-4" }) }, 403, "model_unknown"],
    ["a model that is not allowed", { ...CI, body: chat({ model: "mistral-large-latest" }) }, 403, "model_not_allowed"],
    [
      "an endpoint that the model lacks",
      { ...CI, body: chat({ model: "mistral-embed" }) },
      403,
      "endpoint_not_allowed",
    ],
    ["a path that is not Mistral's", { ...CI, path: "/v1/files" }, 403, "endpoint_not_allowed"],
    ["a path with two slashes", { ...CI, path: "//v1/chat/completions" }, 403, "endpoint_not_allowed"],
    ["another method", { ...CI, method: "PUT" }, 403, "endpoint_not_allowed"],
    ["a batch job", { ...CI, path: "/v1/batch/jobs", body: {} }, 403, "endpoint_not_allowed"],
    ["a stored conversation", { ...CI, path: "/v1/conversations/conv_1", body: { inputs: "x" } }, 403, "model_unknown"],
    ["another service tier", { ...CI, body: chat({ service_tier: "auto" }) }, 403, "endpoint_not_allowed"],
    ["a built-in tool", { ...CI, body: chat({ tools: [{ type: "web_search" }] }) }, 403, "endpoint_not_allowed"],
    ["no cap, where the policy wants one", { ...LAB, body: chat({ max_tokens: undefined }) }, 422, "request_too_large"],
    ["too many tokens", { ...CI, body: chat({ max_tokens: 30_000 }) }, 422, "request_too_large"],
    [
      "a document of unknown length",
      {
        ...CI,
        body: chat({
          messages: [{ role: "user", content: [{ type: "document_url", document_url: "https://x.example/a.pdf" }] }],
        }),
      },
      422,
      "request_too_large",
    ],
    ["too much money", { ...CI, body: chat({ n: 20, max_tokens: 990 }) }, 402, "spend_limit_exceeded"],
    ["no JSON", { ...CI, body: "{" }, 400, "invalid_request"],
    ["a key named twice", { ...CI, body: '{"model":"a","mod\\u0065l":"b"}' }, 400, "invalid_request"],
    ["no model", { ...CI, body: { messages: [] } }, 400, "invalid_request"],
    ["no UTF-8", { ...CI, body: Buffer.from([0x22, 0xff, 0x22]) }, 400, "invalid_request"],
    ["a partial body", { ...CI, headers: { "x-envoy-auth-partial-body": "true" } }, 413, "request_body_too_large"],
    ["less body than was announced", { ...CI, headers: { "content-length": "9999" } }, 413, "request_body_too_large"],
    ["a compressed body", { ...CI, headers: { "content-encoding": "gzip" } }, 415, "unsupported_media_type"],
    ["another type of body", { ...CI, headers: { "content-type": "text/plain" } }, 415, "unsupported_media_type"],
  ])("answers %s with a status and a reason", async (_, told, status, code) => {
    const door = await openDoor();
    const checked = await door.envoy.check(told);
    expect({ status: checked.status, code: bodyOf(checked)["code"] }).toEqual({ status, code });
    expect(checked.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-windbreak-reason": code,
    });
    expect(checked.metadata).toMatchObject({ windbreak_reason: code });
    expect(bodyOf(checked)).toMatchObject({
      object: "error",
      message: expect.any(String),
      windbreak: expect.any(Object),
    });
    expect(checked.replaces).toBe(true);
    expect(JSON.stringify(checked)).not.toMatch(/key-of-|wb_[0-9A-Za-z]{8}_/);
    expect(await standing(door, TOKENS)).toBe("0/0");
  });

  it("says how to come again where a credential lacks or is wrong", async () => {
    const { envoy } = await openDoor();
    const none = await envoy.check({});
    const wrong = await envoy.check({ headers: { authorization: `Bearer ${API_KEY}x` } });
    expect(none.headers["www-authenticate"]).toBe('Bearer realm="windbreak"');
    expect(wrong.headers["www-authenticate"]).toBe('Bearer realm="windbreak", error="invalid_token"');
  });

  it("says which limit refused, what is left, and when to come again", async () => {
    const { envoy } = await openDoor();
    for (let nth = 0; nth < 5; nth++) expect((await envoy.check(CI)).status).toBe(0);
    const refused = await envoy.check(CI);
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({
      "x-windbreak-reason": "rate_limited",
      "x-windbreak-limit": "workspaces.reviews.requests_per_minute",
      "x-windbreak-remaining": "0",
      "retry-after": expect.stringMatching(/^[1-9]\d?$/),
    });
    expect(bodyOf(refused)).toMatchObject({
      type: "rate_limit_error",
      windbreak: {
        reason: "rate_limited",
        limit: "workspaces.reviews.requests_per_minute",
        remaining: 0,
        resets_at: expect.stringMatching(/Z$/),
        retry_after_seconds: Number(refused.headers["retry-after"]),
      },
    });
  });

  it("names no time to come again where the money is used up", async () => {
    const { envoy } = await openDoor();
    const refused = await envoy.check({ ...CI, body: chat({ n: 20, max_tokens: 990 }) });
    expect(refused.headers["retry-after"]).toBeUndefined();
    expect(refused.headers["x-windbreak-limit"]).toBe("workspaces.reviews.usd_per_month");
  });

  it("gives back what it reserved for a call that Envoy gave up", async () => {
    const door = await openDoor();
    const body = Buffer.alloc(8 * 1024 * 1024, " ");
    body.write(JSON.stringify(chat()));
    const { answer: gone, cancel } = door.envoy.checkCall({ ...CI, body });
    cancel();
    await expect(gone).rejects.toMatchObject({ code: 1 });
    await door.envoy.check({ ...CI, body: chat({ model: "mistral-large-latest" }) });
    expect(await standing(door, TOKENS)).toBe("0/0");
  });
});

describe("the doors", () => {
  it("do not serve one another's services", async () => {
    const door = await openDoor();
    const [address] = door.service.addresses();
    const callers = connectEnvoy(formatAddress(address ?? { kind: "tcp", host: "", port: 0 }));
    expect(await statusOf(callers.check(CI))).toMatchObject({ code: 12 });
    const process = callers.process();
    const refused = once(process, "error").then(([error]) => error as { code: number });
    process.write({});
    expect((await refused).code).toBe(12);
    expect(await statusOf(door.envoy.unary("/windbreak.v1.PolicyDecisionService/Authorize"))).toMatchObject({
      code: 12,
    });
    const [envoyAddress] = door.service.envoyAddresses();
    const wrong = connect(envoyAddress ? formatAddress(envoyAddress) : "");
    expect(await statusOf(wrong.recordUsage({ reservation_id: "x" }))).toMatchObject({ code: 12 });
  });
});

describe("an answer on its way through Envoy", () => {
  const sse = (...events: readonly string[]) => events.map((event) => `data: ${event}\n\n`).join("");
  const delta = (content: string) =>
    JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  const last =
    '{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';
  const STREAM = { contentType: "text/event-stream" };

  async function admitted(more: object = {}) {
    const door = await openDoor();
    const { metadata } = await door.envoy.check({ ...CI, body: chat(more) });
    return { door, metadata, input: Number(metadata["windbreak_input_tokens"]) };
  }

  it("is settled by its usage, to the token", async () => {
    const { door, metadata } = await admitted();
    await answer(door, answerMessages({ metadata, chunks: [USAGE.slice(0, 40), USAGE.slice(40)] }));
    expect(await standing(door, TOKENS)).toBe("18/0");
  });

  it("is settled by the usage of its stream's last chunk", async () => {
    const { door, metadata } = await admitted({ stream: true });
    const text = sse(delta("Hel"), delta("lo"), last, "[DONE]");
    await answer(door, answerMessages({ metadata, ...STREAM, chunks: [text.slice(0, 33), text.slice(33)] }));
    expect(await standing(door, TOKENS)).toBe("18/0");
  });

  it("is charged what was seen of it where its client goes away", async () => {
    const { door, metadata, input } = await admitted({ stream: true });
    const messages = answerMessages({ metadata, ...STREAM, chunks: [sse(delta("Hello"))], isWhole: false });
    await answer(door, messages, "half-close");
    expect(await standing(door, TOKENS)).toBe(`${input + 5 + 64}/0`);
  });

  it("is charged what was seen of it where Envoy resets", async () => {
    const { door, metadata, input } = await admitted({ stream: true });
    const chunks = [sse(delta("Hello"))];
    await breakOff(door, answerMessages({ metadata, ...STREAM, chunks, isWhole: false, observes: false }));
    await eventually(async () => expect(await standing(door, TOKENS)).toBe(`${input + 5 + 64}/0`));
  });

  it("is charged no more than was reserved where it is cut", async () => {
    const { door, metadata, input } = await admitted({ stream: true, max_tokens: 10 });
    const chunks = [sse(delta("x".repeat(500)))];
    await answer(door, answerMessages({ metadata, ...STREAM, chunks, isWhole: false }), "half-close");
    expect(await standing(door, TOKENS)).toBe(`${input + 10}/0`);
  });

  it("is charged the estimate where it was cut and is no stream, or does not tell its usage", async () => {
    for (const isWhole of [true, false]) {
      const { door, metadata, input } = await admitted();
      const chunks = [isWhole ? '{"id":"1"}' : '{"id":"1"'];
      await answer(door, answerMessages({ metadata, chunks, isWhole }), "half-close");
      expect(await standing(door, TOKENS)).toBe(`${input + 100}/0`);
    }
  });

  it("costs a request and nothing else where it is an error", async () => {
    const { door, metadata } = await admitted();
    await answer(door, answerMessages({ metadata, status: 500, chunks: ['{"object":"error"}'] }));
    expect(await standing(door, TOKENS)).toBe("0/0");
    expect(await standing(door, "workspaces.reviews.requests_per_minute")).toBe("1/0");
  });

  it("is settled once, however often it is told", async () => {
    const { door, metadata } = await admitted();
    for (let nth = 0; nth < 3; nth++) await answer(door, answerMessages({ metadata, chunks: [USAGE] }));
    expect(await standing(door, TOKENS)).toBe("18/0");
  });

  it("of a call that was admitted without the store is charged the estimate where it tells no usage", async () => {
    const { door, metadata, input } = await admitted();
    const unknown = { ...metadata, windbreak_reservation_id: "of-no-store", windbreak_degraded: "true" };
    await answer(door, answerMessages({ metadata: unknown, chunks: ['{"id":"1"'], isWhole: false }), "half-close");
    expect(await standing(door, TOKENS)).toBe(`${input + 100}/${input + 100}`);
    const failed = { ...unknown, windbreak_reservation_id: "of-no-store-either" };
    await answer(door, answerMessages({ metadata: failed, status: 500, chunks: ["{}"] }));
    expect(await standing(door, TOKENS)).toBe(`${input + 100}/${input + 100}`);
    expect(await standing(door, "workspaces.reviews.requests_per_minute")).toBe("2/1");
  });

  it("is answered message for message where Envoy waits for that", async () => {
    const { door, metadata } = await admitted();
    const stream = door.envoy.process();
    const kinds: string[] = [];
    stream.on("data", (message: { response: string }) => kinds.push(message.response));
    for (const message of answerMessages({ metadata, chunks: ["{", USAGE.slice(1)], observes: false }))
      stream.write(message);
    await once(stream, "status");
    expect(kinds).toEqual(["requestHeaders", "responseHeaders", "responseBody", "responseBody"]);
    expect(await standing(door, TOKENS)).toBe("18/0");
  });

  it("of a denial, or of a call that nobody asked about, is let go by", async () => {
    const door = await openDoor();
    await answer(door, answerMessages({ metadata: { windbreak_reason: "model_unknown" }, chunks: [USAGE] }));
    expect(await standing(door, TOKENS)).toBe("0/0");
  });
});
