// Figures of a server that answers wrongly say nothing. h2load cannot tell: a gRPC error is HTTP 200, and so is a denial.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { ChannelCredentials, InterceptingCall, Metadata, status } from "@grpc/grpc-js";
import { built } from "./built.mjs";
import { SERVER_NAME } from "./certificates.mjs";
import { drive } from "./load.mjs";
import { AMOUNTS, PRINCIPAL, question } from "./question.mjs";

/** @type {typeof import("../../src/gen/windbreak/v1/policy_decision.js")} */
const { AuthorizeResponse, CheckBudgetRequest, PolicyDecisionServiceClient } = await built(
  "gen/windbreak/v1/policy_decision.js",
);

/** @typedef {import("../../src/gen/windbreak/v1/policy_decision.js").AuthorizeResponse} Answer */
/** @typedef {import("./contestants.mjs").Target} Target */
/** @typedef {import("./contestants.mjs").ReplyBytes} ReplyBytes */
/** @typedef {InstanceType<typeof PolicyDecisionServiceClient>} Client */

export const START_MS = 10_000;
export const PREFIX_BYTES = 5;
export const H2LOAD_CALLS = 400;
/** With the one and the one on a stream before them. */
const CHECKED_CALLS = H2LOAD_CALLS + 2;
const CHECK_MS = 5_000;
const HOUR_MS = 3_600_000;

/**
 * See the empty handler admit, by a call, by a stream and by h2load.
 *
 * @param {Target} target
 * @returns {Promise<ReplyBytes>}
 */
export function checkEmpty(target) {
  return withClient(target, (client) => checkReplies(client, target));
}

/**
 * See Windbreak admit, and its counters count every call that h2load made: no less and no more.
 *
 * @param {Target} target
 * @returns {Promise<ReplyBytes>}
 */
export function checkWindbreak(target) {
  return withClient(target, async (client) => {
    await stayInTheHour();
    await counting(client);
    const { estimatedCostNanoUsd: usd } = await ask(client);
    const before = await counted(client);
    assert.equal(before.size, 6, "six limits count");
    const replyBytes = await checkReplies(client, target);
    const one = { requests: 1, tokens: AMOUNTS.inputTokens + AMOUNTS.maxOutputTokens, usd };
    for (const [name, count] of await counted(client)) {
      assert.equal(count - (before.get(name) ?? 0), CHECKED_CALLS * one[metricOf(name)], name);
    }
    return replyBytes;
  });
}

/**
 * The same of a Windbreak to which callers prove who they are: it admits one that names nobody, and refuses one that
 * names another than it proves.
 *
 * @param {Target} target
 * @returns {Promise<ReplyBytes>}
 */
export async function checkProving(target) {
  await withClient(target, async (client) => {
    assertAdmission(await authorize(client, { ...question(""), principal: undefined }));
    const principal = { ...PRINCIPAL, id: "another-service" };
    await assert.rejects(authorize(client, { ...question(""), principal }), { code: status.PERMISSION_DENIED });
  });
  return checkWindbreak(target);
}

/**
 * Wait until a server that counts elsewhere has found its counters: it decides without them before that.
 *
 * @param {Client} client
 */
async function counting(client) {
  const { deadline } = soon();
  while ((await authorize(client)).degraded) {
    assert(Date.now() < deadline, "its counters can be had");
    await wait(10);
  }
}

/** Windows that turn while calls are counted would count none of them. */
export async function stayInTheHour() {
  const left = HOUR_MS - (Date.now() % HOUR_MS);
  if (left < CHECK_MS) await wait(left);
}

/**
 * @param {Client} client
 * @param {Target} target
 * @returns {Promise<ReplyBytes>}
 */
async function checkReplies(client, target) {
  const answer = await ask(client);
  await askOnStream(client);
  const replyBytes = sizesOf(answer);
  const tally = await drive({ ...target, connections: 4, inFlight: 4, extent: { requests: H2LOAD_CALLS } });
  assertSizes(tally, replyBytes);
  return replyBytes;
}

/**
 * See that the replies that h2load counted have the length of an admission.
 *
 * @param {import("./h2load.mjs").Tally} tally
 * @param {ReplyBytes} replyBytes
 */
export function assertSizes({ replies, cutOff, dataBytes }, { least, most }) {
  const isRight = dataBytes >= replies * least && dataBytes <= (replies + cutOff) * most;
  assert(isRight, `${replies} replies came in ${dataBytes} bytes, where an admission has ${least} to ${most}`);
}

/**
 * An answer's length differs only by its time: a whole second, or a half.
 *
 * @param {Answer} answer
 * @returns {ReplyBytes}
 */
function sizesOf(answer) {
  const seconds = answer.reservationExpiresAt?.seconds ?? 0;
  const lengthAt = (/** @type {number} */ nanos) =>
    AuthorizeResponse.encode({ ...answer, reservationExpiresAt: { seconds, nanos } }).finish().length + PREFIX_BYTES;
  return { least: lengthAt(0), most: lengthAt(500_000_000) };
}

/**
 * Say where a target listens, as a gRPC client is told.
 *
 * @param {Pick<Target, "port" | "socket">} target
 */
export function addressOf({ port, socket }) {
  return socket === undefined ? `127.0.0.1:${port}` : `unix:${socket}`;
}

export function soon() {
  return { deadline: Date.now() + START_MS };
}

/**
 * @template T
 * @param {Target} target
 * @param {(client: Client) => Promise<T>} use
 */
export async function withClient(target, use) {
  const client = new PolicyDecisionServiceClient(addressOf(target), credentialsOf(target), optionsFor(target));
  try {
    await new Promise((resolve, reject) => {
      client.waitForReady(soon().deadline, (error) => (error ? reject(error) : resolve(undefined)));
    });
    return await use(client);
  } finally {
    client.close();
  }
}

/** @param {Pick<Target, "tls">} target */
function credentialsOf({ tls }) {
  if (!tls) return ChannelCredentials.createInsecure();
  const { ca, client } = tls;
  const shown = client ? [readFileSync(client.key), readFileSync(client.certificate)] : [];
  return ChannelCredentials.createSsl(readFileSync(ca), ...shown);
}

/**
 * Have a client name a server of TLS as its certificate does, and show in each call what is to be shown: credentials of
 * calls would need TLS.
 *
 * @param {Pick<Target, "authorization" | "tls">} target
 * @returns {import("@grpc/grpc-js").ClientOptions}
 */
function optionsFor({ authorization, tls }) {
  const named = tls ? { "grpc.ssl_target_name_override": SERVER_NAME } : {};
  if (authorization === undefined) return named;
  /** @type {import("@grpc/grpc-js").Interceptor} */
  const show = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set("authorization", authorization);
        next(metadata, listener);
      },
    });
  return { ...named, interceptors: [show] };
}

/** @param {Client} client */
async function ask(client) {
  const answer = await authorize(client);
  assertAdmission(answer);
  return answer;
}

/**
 * @param {Client} client
 * @param {import("../../src/gen/windbreak/v1/policy_decision.js").AuthorizeRequest} [asked]
 * @returns {Promise<Answer>}
 */
function authorize(client, asked = question("")) {
  return new Promise((resolve, reject) => {
    const done = (/** @type {Error | null} */ error, /** @type {Answer} */ response) =>
      error ? reject(error) : resolve(response);
    client.authorize(asked, new Metadata(), soon(), done);
  });
}

/** @param {Client} client */
async function askOnStream(client) {
  const requestId = "a-question-on-a-stream";
  const stream = client.authorizeStream(soon());
  /** @type {import("../../src/gen/windbreak/v1/policy_decision.js").AuthorizeStreamResponse[]} */
  const answers = [];
  stream.on("data", (answer) => answers.push(answer));
  stream.write({ request: question(requestId) });
  stream.end();
  await once(stream, "end");

  assert.deepEqual(
    answers.map((answer) => answer.requestId),
    [requestId],
    "one answer, paired with its question",
  );
  const result = answers[0]?.result;
  assert(result?.$case === "response", JSON.stringify(result));
  assertAdmission(result.value);
}

/** @param {Answer} answer */
function assertAdmission({ allowed, reason, message, reservationId, maxOutputTokens, degraded }) {
  assert.equal(allowed, true, message);
  assert.equal(reason, 1);
  assert.notEqual(reservationId, "");
  assert.equal(maxOutputTokens, AMOUNTS.maxOutputTokens);
  assert.equal(degraded, false);
}

/**
 * Read what each limit has counted, by name.
 *
 * @param {Client} client
 */
export async function counted(client) {
  /** @type {import("../../src/gen/windbreak/v1/policy_decision.js").CheckBudgetResponse} */
  const { limits } = await new Promise((resolve, reject) => {
    const request = CheckBudgetRequest.fromPartial({ principal: PRINCIPAL });
    client.checkBudget(request, (error, response) => (error ? reject(error) : resolve(response)));
  });
  return new Map(limits.map(({ name, used, reserved }) => [name, used + reserved]));
}

/**
 * @param {string} limit
 * @returns {"requests" | "tokens" | "usd"}
 */
export function metricOf(limit) {
  if (limit.includes(".requests_")) return "requests";
  return limit.includes(".tokens_") ? "tokens" : "usd";
}
