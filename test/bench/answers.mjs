// Figures of a server that answers wrongly say nothing. h2load cannot tell: a gRPC error is HTTP 200, and so is a denial.
import assert from "node:assert/strict";
import { once } from "node:events";
import { credentials } from "@grpc/grpc-js";
import { built } from "./built.mjs";
import { h2load } from "./h2load.mjs";
import { MODEL, PRINCIPAL, question } from "./question.mjs";

/** @type {typeof import("../../src/gen/windbreak/v1/policy_decision.js")} */
const { AuthorizeResponse, CheckBudgetRequest, PolicyDecisionServiceClient } = await built(
  "gen/windbreak/v1/policy_decision.js",
);

/** @typedef {import("../../src/gen/windbreak/v1/policy_decision.js").AuthorizeResponse} Answer */
/** @typedef {import("./contestants.mjs").Target} Target */
/** @typedef {import("./contestants.mjs").ReplyBytes} ReplyBytes */
/** @typedef {InstanceType<typeof PolicyDecisionServiceClient>} Client */

const START_MS = 10_000;
const PREFIX_BYTES = 5;
/** Within a minute of the server's start, so that no window has moved on. */
const CHECKED_CALLS = 400;

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
    const { model, estimatedCostNanoUsd: cost } = await ask(client);
    assert.notEqual(model, MODEL, "the answer names the dated model");
    const before = await counted(client);
    assert.equal(before.length, 6, "six limits count");
    const replyBytes = await checkReplies(client, target);
    const after = await counted(client);
    const charges = after.map(({ name, count }, index) => [name, count - (before[index]?.count ?? 0)]);
    const calls = CHECKED_CALLS + 2;
    assert.deepEqual(
      Object.fromEntries(charges),
      Object.fromEntries(after.map(({ name, unit }) => [name, calls * { requests: 1, tokens: 1362, usd: cost }[unit]])),
      "each limit counts each call",
    );
    return replyBytes;
  });
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
  const tally = await h2load({ ...target, connections: 4, inFlight: 4, extent: { requests: CHECKED_CALLS } });
  assertSizes(tally, replyBytes);
  return replyBytes;
}

/**
 * See that the replies that h2load counted have the length of an admission.
 *
 * @param {import("./h2load.mjs").Tally} tally
 * @param {ReplyBytes} replyBytes
 */
export function assertSizes({ replies, dataBytes }, { least, most }) {
  const each = dataBytes / replies;
  assert(each >= least && each <= most, `replies of ${each} bytes on average, where an admission has ${least} to ${most}`);
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
 * @template T
 * @param {Target} target
 * @param {(client: Client) => Promise<T>} use
 */
async function withClient({ port }, use) {
  const client = new PolicyDecisionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    await new Promise((resolve, reject) => {
      client.waitForReady(Date.now() + START_MS, (error) => (error ? reject(error) : resolve(undefined)));
    });
    return await use(client);
  } finally {
    client.close();
  }
}

/**
 * @param {Client} client
 * @returns {Promise<Answer>}
 */
async function ask(client) {
  /** @type {Answer} */
  const answer = await new Promise((resolve, reject) => {
    client.authorize(question(""), (error, response) => (error ? reject(error) : resolve(response)));
  });
  assertAdmission(answer);
  return answer;
}

/** @param {Client} client */
async function askOnStream(client) {
  const stream = client.authorizeStream();
  const requestId = "a-question-on-a-stream";
  stream.write({ request: question(requestId) });
  const [answer] = await once(stream, "data");
  assert.equal(answer.requestId, requestId, "the answer is paired with its question");
  assert.equal(answer.result.$case, "response");
  assertAdmission(answer.result.value);
  stream.end();
  await once(stream, "end");
}

/** @param {Answer} answer */
function assertAdmission({ allowed, reason, message, reservationId, maxOutputTokens, degraded }) {
  assert.equal(allowed, true, message);
  assert.equal(reason, 1);
  assert.notEqual(reservationId, "");
  assert.equal(maxOutputTokens, 512);
  assert.equal(degraded, false);
}

/** @param {Client} client */
async function counted(client) {
  /** @type {import("../../src/gen/windbreak/v1/policy_decision.js").CheckBudgetResponse} */
  const { limits } = await new Promise((resolve, reject) => {
    const request = CheckBudgetRequest.fromPartial({ principal: PRINCIPAL });
    client.checkBudget(request, (error, response) => (error ? reject(error) : resolve(response)));
  });
  return limits.map(({ name, used, reserved }) => ({ name, count: used + reserved, unit: unitOf(name) }));
}

/** @param {string} limit */
function unitOf(limit) {
  if (limit.includes(".requests_")) return "requests";
  return limit.includes(".tokens_") ? "tokens" : "usd";
}
