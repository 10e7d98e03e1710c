import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { CheckRequest, CheckResponse } from "../../../src/gen/envoy/service/auth/v3/external_auth.js";
import { ProcessingResponse } from "../../../src/gen/envoy/service/ext_proc/v3/external_processor.js";
import { envoyIdentity } from "../../../src/identity/envoy.js";
import { guard } from "../../../src/transport/envoy/check.js";
import { type HttpCall, readHttpCall } from "../../../src/transport/envoy/http-call.js";
import { LongBodies } from "../../../src/transport/envoy/long-bodies.js";
import { OpenAnswer } from "../../../src/transport/envoy/process.js";
import { writeCheckAnswer } from "../../../src/transport/envoy/write-check-answer.js";
import { apiKeyOf } from "../../support/api-keys.js";
import { Desks } from "../desk.js";
import { unlessRefused, unlessThrown } from "../laws.js";
import type { Target } from "../target.js";

const desks = new Desks();

const WORDS = [
  ...["POST", "GET", "/v1/chat/completions", "/v1/models", "authorization", "content-type", "content-length"],
  ...["application/json", `Bearer ${apiKeyOf("ann")}`, "spiffe://acme/ann", "windbreak.principal", "ann"],
  ...[
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.ext_authz",
    "iss",
    "\xff",
    "\x00",
    "\x0a\x04",
    "\x22\x80\x01",
  ],
];

async function decide(call: HttpCall): Promise<void> {
  const desk = desks.fresh();
  const options = {
    desk,
    identity: envoyIdentity(),
    upstreamKey: () => "key",
    abandon: () => undefined,
    bodies: new LongBodies(),
  };
  const answer = await guard(options, call);
  const written = CheckResponse.decode(writeCheckAnswer(answer, desk.clock.now()));
  assert.equal(written.status?.code === 0, answer.kind !== "rejected");
}

/** What generated code reads must be read alike, once it has written it: of a message that comes twice ours takes the sum. */
function assertReadAlike(bytes: Buffer): void {
  const decoded = unlessThrown([Error], () => CheckRequest.decode(bytes));
  if (!decoded) return;
  const http = decoded.attributes?.request?.http;
  const call = readHttpCall(Buffer.from(CheckRequest.encode(decoded).finish()));
  assert.equal(call === undefined, http === undefined);
  if (!call || !http) return;
  const { method, path } = http;
  assert.deepEqual({ method: call.method, path: call.path }, { method, path });
  assert.ok(call.body.equals(http.rawBody.length > 0 ? http.rawBody : Buffer.from(http.body)));
}

/** An open stream of messages: those that come, then its end. What is written to it is kept. */
class Messages extends Duplex {
  readonly written: Buffer[] = [];

  constructor(messages: readonly Buffer[]) {
    super({ objectMode: true });
    for (const message of messages) this.push(message);
    this.push(null);
  }

  override _read(): void {}

  override _write(message: Buffer, _encoding: string, done: () => void): void {
    this.written.push(message);
    done();
  }
}

/** Messages, each with its length in two bytes before it; the last as far as it goes. */
function messagesIn(bytes: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at);
    messages.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return messages;
}

export const ENVOY: readonly Target[] = [
  {
    name: "envoy-check",
    law: "a question of Envoy's is read as generated code reads it, and has an answer; or it is refused by an Error",
    words: WORDS,
    async run(bytes) {
      const call = unlessRefused(() => readHttpCall(bytes));
      assertReadAlike(bytes);
      if (call) await decide(call);
    },
  },
  {
    name: "envoy-process",
    law: "whatever messages come, the stream ends, and each that is answered is answered by its kind",
    words: WORDS,
    mostBytes: 16 * 1024,
    async run(bytes) {
      const stream = new Messages(messagesIn(bytes));
      const failures: unknown[] = [];
      const options = {
        desk: desks.fresh(),
        draining: { signal: new AbortController().signal },
        failed: (cause: unknown) => void failures.push(cause),
      };
      const ended = once(stream, "finish");
      new OpenAnswer(options, stream as unknown as ServerDuplexStream<Buffer, Buffer>).run();
      await ended;
      for (const message of stream.written) assert.ok(ProcessingResponse.decode(message).response);
      for (const cause of failures) assert.ok(cause instanceof Error && cause.constructor !== TypeError, String(cause));
    },
  },
];
