import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Grant } from "../../../src/app/ports.js";
import { AuthorizeResponse, AuthorizeStreamResponse } from "../../../src/gen/windbreak/v1/policy_decision.js";
import { writeAllowed, writeAllowedInStream } from "../../../src/transport/allowed-writer.js";

const id = fc.string({ minLength: 1, maxLength: 128, unit: fc.constantFrom(..."abcXYZ019-_.:~!") });
const amount = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 32, 2 ** 53 - 1),
);
const grant: fc.Arbitrary<Grant> = fc.record({
  requestId: id,
  reservationId: id,
  expiresAt: fc.oneof(fc.integer({ min: 1, max: 2 ** 45 }), fc.constantFrom(500, 1000, 1_795_341_087_000)),
  model: id,
  outputTokens: amount,
  cost: amount,
  policyRevision: id,
  shadowDenials: fc.constant([]),
});

function expected({ requestId, reservationId, expiresAt, model, outputTokens, cost, policyRevision }: Grant) {
  return AuthorizeResponse.fromPartial({
    requestId,
    allowed: true,
    reason: 1,
    reservationId,
    reservationExpiresAt: { seconds: Math.floor(expiresAt / 1000), nanos: (expiresAt % 1000) * 1_000_000 },
    model,
    maxOutputTokens: outputTokens,
    estimatedCostNanoUsd: cost,
    httpStatus: 200,
    policyRevision,
  });
}

describe("the writer of ordinary admissions", () => {
  it("writes what the generated decoder reads back whole", () => {
    fc.assert(
      fc.property(grant, (one) => {
        expect(AuthorizeResponse.decode(writeAllowed(one))).toEqual(expected(one));
      }),
    );
  });

  it("writes the same into an answer on a stream", () => {
    fc.assert(
      fc.property(grant, (one) => {
        const answer = AuthorizeStreamResponse.decode(writeAllowedInStream(one));
        expect(answer).toEqual({ requestId: one.requestId, result: { $case: "response", value: expected(one) } });
      }),
    );
  });

  it("keeps revisions of a model apart, however many there were", () => {
    const base: Grant = {
      requestId: "q",
      reservationId: "r",
      expiresAt: 1,
      model: "m",
      outputTokens: 1,
      cost: 1,
      policyRevision: "",
      shadowDenials: [],
    };
    for (let revision = 0; revision < 1000; revision++) {
      const written = writeAllowed({ ...base, policyRevision: `r${revision}` });
      expect(AuthorizeResponse.decode(written).policyRevision).toBe(`r${revision}`);
    }
  });
});
