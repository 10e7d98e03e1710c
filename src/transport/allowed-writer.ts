import type { Grant } from "../app/ports.js";
import { AuthorizeResponse } from "../gen/windbreak/v1/policy_decision.js";

const REQUEST_ID = 0x0a;
const RESERVATION_ID = 0x2a;
const EXPIRES_AT = 0x32;
const MAX_OUTPUT_TOKENS = 0x40;
const COST = 0x48;
const SECONDS = 0x08;
const NANOS = 0x10;

const IN_STREAM = { requestId: 0x0a, response: 0x12 } as const;

/** What an admission's answer says whatever was asked: written by the generated code, once for each model. */
const constantParts = new Map<string, Buffer>();
const MOST_PARTS = 256;

/**
 * Write the answer to an ordinary admission, as the generated encoder would but for the order of its fields.
 *
 * It is what most calls get, and the generated encoder spends more time on it than the decision takes: its every call
 * allocates a buffer outside the pool. Tests hold this one against the generated decoder.
 *
 * @param grant with ids in ASCII of at most 128 characters; nothing in shadow refused it.
 */
export function writeAllowed(grant: Grant): Buffer {
  const constant = constantPart(grant);
  const bytes = Buffer.allocUnsafe(allowedSize(grant, constant));
  putAllowed(bytes, 0, grant, constant);
  return bytes;
}

/** Write the same as the answer to a question on a stream. */
export function writeAllowedInStream(grant: Grant): Buffer {
  const constant = constantPart(grant);
  const size = allowedSize(grant, constant);
  const bytes = Buffer.allocUnsafe(stringSize(grant.requestId) + 1 + varintSize(size) + size);
  let at = putString(bytes, 0, IN_STREAM.requestId, grant.requestId);
  bytes[at++] = IN_STREAM.response;
  at = putVarint(bytes, at, size);
  putAllowed(bytes, at, grant, constant);
  return bytes;
}

function allowedSize({ requestId, reservationId, expiresAt, outputTokens, cost }: Grant, constant: Buffer): number {
  return (
    stringSize(requestId) +
    stringSize(reservationId) +
    2 +
    timestampSize(expiresAt) +
    integerSize(outputTokens) +
    integerSize(cost) +
    constant.length
  );
}

function putAllowed(bytes: Buffer, start: number, grant: Grant, constant: Buffer): void {
  let at = putString(bytes, start, REQUEST_ID, grant.requestId);
  at = putString(bytes, at, RESERVATION_ID, grant.reservationId);
  bytes[at++] = EXPIRES_AT;
  bytes[at++] = timestampSize(grant.expiresAt);
  at = putInteger(bytes, at, SECONDS, Math.floor(grant.expiresAt / 1000));
  at = putInteger(bytes, at, NANOS, (grant.expiresAt % 1000) * 1_000_000);
  at = putInteger(bytes, at, MAX_OUTPUT_TOKENS, grant.outputTokens);
  at = putInteger(bytes, at, COST, grant.cost);
  bytes.set(constant, at);
}

function constantPart({ model, policyRevision }: Grant): Buffer {
  const key = `${policyRevision} ${model}`;
  const known = constantParts.get(key);
  if (known) return known;
  if (constantParts.size === MOST_PARTS) constantParts.clear();
  const part = Buffer.from(
    AuthorizeResponse.encode(
      AuthorizeResponse.fromPartial({ allowed: true, reason: 1, httpStatus: 200, model, policyRevision }),
    ).finish(),
  );
  constantParts.set(key, part);
  return part;
}

function timestampSize(at: number): number {
  return integerSize(Math.floor(at / 1000)) + integerSize((at % 1000) * 1_000_000);
}

/** A tag of one byte and the number; nothing for 0, as proto3 has it. */
function integerSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

function stringSize({ length }: string): number {
  return 1 + varintSize(length) + length;
}

function varintSize(value: number): number {
  let size = 1;
  for (let left = value; left >= 128; left = Math.floor(left / 128)) size++;
  return size;
}

function putInteger(bytes: Buffer, start: number, tag: number, value: number): number {
  if (value === 0) return start;
  bytes[start] = tag;
  return putVarint(bytes, start + 1, value);
}

function putString(bytes: Buffer, start: number, tag: number, text: string): number {
  bytes[start] = tag;
  const at = putVarint(bytes, start + 1, text.length);
  return at + bytes.write(text, at, "latin1");
}

function putVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes[at++] = (left % 128) | 128;
  bytes[at++] = left;
  return at;
}
