import assert from "node:assert/strict";
import { Client, credentials } from "@grpc/grpc-js";
import {
  addressOf,
  assertSizes,
  counted,
  H2LOAD_CALLS,
  metricOf,
  PREFIX_BYTES,
  soon,
  stayInTheHour,
  withClient,
} from "./answers.mjs";
import { built } from "./built.mjs";
import { KEY } from "./guarded-service.mjs";
import { h2load } from "./h2load.mjs";
import { AMOUNTS, PRINCIPAL } from "./question.mjs";

/** @type {typeof import("../../src/gen/envoy/service/auth/v3/external_auth.js")} */
const { CheckResponse } = await built("gen/envoy/service/auth/v3/external_auth.js");

/** @typedef {import("../../src/gen/envoy/service/auth/v3/external_auth.js").CheckResponse} Answer */
/** @typedef {import("./contestants.mjs").Target} Target */

/** What an answer tells its client of the limit that has least left, in which answers differ. */
const TOLD = ["x-windbreak-limit", "x-windbreak-remaining", "x-windbreak-reset"];
/** A count of up to 2^53, and seconds of up to a month. */
const MOST_DIGITS = 16 + 7;

/**
 * See Windbreak let a call through at Envoy's door, and its counters count every call that h2load made.
 *
 * @param {Target} target
 * @param {string} own the socket where callers of its own ask, for what was counted.
 * @param {Uint8Array} question with gRPC's prefix.
 * @returns {Promise<import("./contestants.mjs").ReplyBytes>}
 */
export function checkGuard(target, own, question) {
  return withClient({ ...target, socket: own }, async (client) => {
    await stayInTheHour();
    const answer = await askGuard(target, question.subarray(PREFIX_BYTES));
    const { inputTokens } = assertPassage(answer);
    const before = await counted(client);
    assert.equal(before.size, 6, "six limits count");
    const replyBytes = sizesOf(answer, [...before.keys()]);
    const tally = await h2load({ ...target, connections: 4, inFlight: 4, extent: { requests: H2LOAD_CALLS } });
    assertSizes(tally, replyBytes);
    const after = await counted(client);
    for (const [name, count] of after) {
      const each = (count - (before.get(name) ?? 0)) / H2LOAD_CALLS;
      const metric = metricOf(name);
      if (metric === "usd") assert(each > 0 && Number.isInteger(each), name);
      else assert.equal(each, { requests: 1, tokens: inputTokens + AMOUNTS.maxOutputTokens }[metric], name);
    }
    return replyBytes;
  });
}

/**
 * @param {Target} target
 * @param {Uint8Array} question
 * @returns {Promise<Answer>}
 */
export async function askGuard(target, question) {
  const client = new Client(addressOf(target), credentials.createInsecure());
  const same = (/** @type {Buffer} */ bytes) => bytes;
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(target.path, same, CheckResponse.decode, Buffer.from(question), soon(), (error, value) =>
        error || !value ? reject(error) : resolve(value),
      );
    });
  } finally {
    client.close();
  }
}

/** @param {Answer} answer */
function assertPassage({ status, httpResponse, dynamicMetadata: noted }) {
  assert.equal(status?.code, 0);
  assert(httpResponse?.$case === "okResponse", JSON.stringify(httpResponse));
  const keys = httpResponse.value.headers.map(({ header }) => `${header?.key}: ${header?.value}`);
  assert.deepEqual(keys, [`authorization: Bearer ${KEY.value}`]);
  assert.notEqual(noted?.["windbreak_reservation_id"] ?? "", "");
  assert.equal(noted?.["windbreak_principal"], PRINCIPAL.id);
  assert.equal(noted?.["windbreak_max_output_tokens"], String(AMOUNTS.maxOutputTokens));
  return { inputTokens: Number(noted?.["windbreak_input_tokens"]) };
}

/**
 * Answers differ by the limit that they tell of, and by what is left of it.
 *
 * @param {Answer} answer
 * @param {readonly string[]} limits
 */
function sizesOf(answer, limits) {
  assert(answer.httpResponse?.$case === "okResponse");
  const toldBytes = answer.httpResponse.value.responseHeadersToAdd
    .filter(({ header }) => TOLD.includes(header?.key ?? ""))
    .reduce((sum, { header }) => sum + (header?.value.length ?? 0), 0);
  const bytes = CheckResponse.encode(answer).finish().length + PREFIX_BYTES - toldBytes;
  const names = limits.map((name) => name.length);
  // A length of more than 127 takes a byte more, and there are some of lengths.
  return { least: bytes + Math.min(...names) + 2 - 4, most: bytes + Math.max(...names) + MOST_DIGITS + 4 };
}
