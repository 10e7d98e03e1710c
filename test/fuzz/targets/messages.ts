import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { authorize } from "../../../src/app/authorize.js";
import { checkBudget } from "../../../src/app/check-budget.js";
import { recordUsage } from "../../../src/app/record-usage.js";
import { HealthCheckRequest } from "../../../src/gen/grpc/health/v1/health.js";
import { ServerReflectionRequest, ServerReflectionResponse } from "../../../src/gen/grpc/reflection/v1/reflection.js";
import {
  AuthorizeRequest,
  AuthorizeResponse,
  AuthorizeStreamRequest,
  CheckBudgetRequest,
  CheckBudgetResponse,
  RecordUsageRequest,
  RecordUsageResponse,
} from "../../../src/gen/windbreak/v1/policy_decision.js";
import {
  readAuthorize,
  readCheckBudget,
  readQuestion,
  readRecordUsage,
  writeBudget,
  writeDecision,
  writeDecisionInStream,
  writeRecorded,
} from "../../../src/transport/codec.js";
import type { Misread } from "../../../src/transport/misread.js";
import { createReflection } from "../../../src/transport/reflection.js";
import { Desks } from "../desk.js";
import { assertLine, unlessThrown } from "../laws.js";
import type { Target } from "../target.js";

const desks = new Desks();

const WORDS = [
  "\x0a\x00",
  "\x12\x03ann",
  "\x20\xff\xff\xff\xff\xff\xff\xff\x0f",
  "ann",
  "dev",
  "crew",
  "\xff",
  "\u0000",
];

interface Codec {
  decode(bytes: Uint8Array): unknown;
  encode(message: never): { finish(): Uint8Array };
}

/** What was read, twice: from the bytes, and from what the message in them is written as. Or it is a fault in words. */
function readTwice<Call extends object>(bytes: Buffer, read: (bytes: Buffer) => Call | Misread, codec: Codec) {
  const asked = read(bytes);
  if ("fault" in asked) {
    assertLine(asked.fault.message);
    return undefined;
  }
  const written = Buffer.from(codec.encode(codec.decode(bytes) as never).finish());
  assert.deepStrictEqual(read(written), asked);
  return asked;
}

const descriptors = readFileSync("src/gen/descriptors.binpb");
const SERVED = ["windbreak.v1.PolicyDecisionService", "grpc.health.v1.Health"];
let reflect: ReturnType<typeof createReflection> | undefined;

export const MESSAGES: readonly Target[] = [
  {
    name: "authorize",
    law: "a question is read alike when it is written again, and has a decision that can be written; or it has a fault",
    words: WORDS,
    async run(bytes) {
      const asked = readTwice(bytes, readAuthorize, AuthorizeRequest);
      if (!asked) return;
      const decision = await authorize(desks.fresh(), asked);
      if (decision.kind === "fault") return assertLine(decision.message);
      const written = AuthorizeResponse.decode(writeDecision(decision));
      assert.equal(written.allowed, decision.kind === "allowed");
    },
  },
  {
    name: "stream-question",
    law: "as authorize, on a stream, where each question has a request_id",
    words: WORDS,
    async run(bytes) {
      const asked = readTwice(bytes, readQuestion, AuthorizeStreamRequest);
      if (!asked) return;
      assert.notEqual(asked.requestId, "");
      const decision = await authorize(desks.fresh(), asked);
      if (decision.kind === "fault") assertLine(decision.message);
      else writeDecisionInStream(decision);
    },
  },
  {
    name: "record-usage",
    law: "a report is read alike when it is written again, and is recorded; or it has a fault",
    words: WORDS,
    async run(bytes) {
      const asked = readTwice(bytes, readRecordUsage, RecordUsageRequest);
      if (!asked) return;
      const recorded = await recordUsage(desks.fresh(), asked);
      if (recorded.kind === "fault") return assertLine(recorded.message);
      assert.equal(RecordUsageResponse.decode(writeRecorded(recorded)).costNanoUsd, recorded.cost);
    },
  },
  {
    name: "check-budget",
    law: "a question about a budget is read alike when it is written again, and has an answer; or it has a fault",
    words: WORDS,
    async run(bytes) {
      const asked = readTwice(bytes, readCheckBudget, CheckBudgetRequest);
      if (!asked) return;
      const budget = await checkBudget(desks.fresh(), asked);
      if (budget.kind === "fault") return assertLine(budget.message);
      CheckBudgetResponse.decode(writeBudget(budget));
    },
  },
  {
    name: "health",
    law: "a health request is decoded, or refused by an Error",
    words: WORDS,
    run(bytes) {
      const request = unlessThrown([Error], () => HealthCheckRequest.decode(bytes));
      assert.equal(typeof (request?.service ?? ""), "string");
    },
  },
  {
    name: "reflection",
    law: "whatever is asked has an answer that can be written; or it is refused by an Error",
    words: [...WORDS, ...SERVED, "windbreak/v1/policy_decision.proto", "__proto__", "constructor"],
    run(bytes) {
      reflect ??= createReflection(descriptors, SERVED);
      const request = unlessThrown([Error], () => ServerReflectionRequest.decode(bytes));
      if (!request) return;
      const answer = reflect(request);
      assert.ok(answer.messageResponse);
      ServerReflectionResponse.encode(answer).finish();
    },
  },
];
