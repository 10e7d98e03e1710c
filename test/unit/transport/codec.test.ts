import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AuthorizeRequest, AuthorizeStreamRequest } from "../../../src/gen/windbreak/v1/policy_decision.js";
import { readAuthorize, readCheckBudget, readQuestion, readRecordUsage } from "../../../src/transport/codec.js";

const READERS = { readAuthorize, readRecordUsage, readCheckBudget, readQuestion };

describe.each(Object.entries(READERS))("%s", (_, read) => {
  it("reads or refuses any bytes, and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const result = read(Buffer.from(bytes));
        if ("fault" in result) expect(result.fault.code).toBe("invalid_argument");
        else expect(result).toHaveProperty("principal");
      }),
      { numRuns: 2000 },
    );
  });

  it("reads or refuses a message cut at any byte or with any byte changed", () => {
    const whole = AuthorizeStreamRequest.encode({
      request: AuthorizeRequest.fromPartial({
        requestId: "q1",
        principal: { id: "ada", role: "crew", workspace: "dev" },
        model: "mistral-small-latest",
        inputTokens: 2 ** 40,
        labels: { a: "b" },
      }),
    }).finish();
    for (let at = 0; at < whole.length; at++) {
      expect(() => read(Buffer.from(whole.subarray(0, at)))).not.toThrow();
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        expect(() => read(changed)).not.toThrow();
      }
    }
  });
});

describe("a question with an integer beyond 2^53-1", () => {
  const oversize = Buffer.from([0x0a, 0x02, 0x71, 0x31, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);

  it("is a message at fault by its field, and keeps its request_id", () => {
    expect(readAuthorize(oversize)).toEqual({
      fault: { kind: "fault", code: "invalid_argument", message: "input_tokens: is beyond 2^53-1" },
      isMessage: true,
      requestId: "q1",
    });
  });

  it("is named by its path on a stream", () => {
    const framed = Buffer.concat([Buffer.from([0x0a, oversize.length]), oversize]);
    expect(readQuestion(framed)).toMatchObject({
      fault: { message: "request.input_tokens: is beyond 2^53-1" },
      isMessage: true,
      requestId: "q1",
    });
  });
});
