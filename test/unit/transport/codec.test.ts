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

  it("is named as in a unary call on a stream", () => {
    const framed = Buffer.concat([Buffer.from([0x0a, oversize.length]), oversize]);
    expect(readQuestion(framed)).toMatchObject({
      fault: { message: "input_tokens: is beyond 2^53-1" },
      isMessage: true,
      requestId: "q1",
    });
  });
});

describe("bytes that only begin as a message", () => {
  const whole = AuthorizeRequest.encode(
    AuthorizeRequest.fromPartial({ model: "m", principal: { id: "ada" } }),
  ).finish();

  it.each([
    ["a field 0", [0x00, 0x01]],
    ["the end of a group that never began", [0x0c]],
    ["such an end, and a field after it", [0x0c, 0x20, 0x05]],
    ["a field of an unknown wire type", [0x0f]],
    ["a length that goes beyond the end", [0x0a, 0x05, 0x61]],
    ["an id that is no UTF-8", [0x0a, 0x02, 0xc3, 0x28]],
  ])("are refused: %s", (_, more) => {
    const bytes = Buffer.concat([whole, Buffer.from(more)]);
    expect(readAuthorize(bytes)).toMatchObject({ isMessage: false, fault: { code: "invalid_argument" } });
    expect(readQuestion(Buffer.from(more))).toMatchObject({ isMessage: false });
  });

  it.each([
    ["a varint", [0xa0, 0x06, 0x01]],
    ["64 bits", [0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["a whole group", [0xa3, 0x06, 0x08, 0x01, 0xa4, 0x06]],
    ["32 bits", [0x7d, 1, 2, 3, 4]],
  ])("are a message where a newer client's field follows: %s", (_, more) => {
    expect(readAuthorize(Buffer.concat([whole, Buffer.from(more)]))).toMatchObject({ model: "m" });
  });

  it("are a message where a text holds letters beyond ASCII", () => {
    const labels = { team: "Zoë 風" };
    const bytes = AuthorizeRequest.encode(AuthorizeRequest.fromPartial({ model: "m", labels })).finish();
    expect(readAuthorize(Buffer.from(bytes))).toMatchObject({ labels });
  });
});
