import { built } from "./built.mjs";

/** @type {typeof import("../../src/gen/windbreak/v1/policy_decision.js")} */
const { AuthorizeRequest, AuthorizeStreamRequest } = await built("gen/windbreak/v1/policy_decision.js");

/** The caller that asks. h2load sends one body again and again, so there is one. */
export const PRINCIPAL = { id: "search-service", role: "developer", workspace: "prod-workspace" };
export const MODEL = "mistral-small-latest";
export const AMOUNTS = { inputTokens: 850, maxOutputTokens: 512 };

/**
 * The question of every measurement: a chat completion of everyday size.
 *
 * @param {string} requestId empty: the server makes one.
 */
export function question(requestId) {
  return AuthorizeRequest.fromPartial({ requestId, principal: PRINCIPAL, model: MODEL, ...AMOUNTS });
}

/**
 * The same on a stream.
 *
 * @param {string} requestId
 */
export function streamQuestion(requestId) {
  return Buffer.from(AuthorizeStreamRequest.encode({ request: question(requestId) }).finish());
}

/** The same as the body of a unary call. */
export function unaryBody() {
  return framed(AuthorizeRequest.encode(question("")).finish());
}

/**
 * Put gRPC's prefix before a message: not compressed, and its length.
 *
 * @param {Uint8Array} message
 */
export function framed(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
