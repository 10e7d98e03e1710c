import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonLines } from "../../../../src/telemetry/decisions/json-lines.js";
import { apiKeyOf } from "../../../support/api-keys.js";
import { allowed, denied, entryOf, settled } from "./told-facts.js";

const lineOf = jsonLines({ replica: "host/1", share: 1 });
const read = (line: string): unknown => JSON.parse(line);

describe("a line", () => {
  it("holds what the facts say, and leaves out what is not there", () => {
    expect(read(lineOf(entryOf(allowed())))).toEqual({
      v: 1,
      kind: "decision",
      time: "1970-01-01T00:00:00.000Z",
      replica: "host/1",
      allowed: true,
      reason: "allowed",
      http_status: 200,
      request_id: "req-1",
      principal: "ann",
      role: "developer",
      workspace: "dev",
      model: "small-1",
      endpoint: "chat_completions",
      asked: { model: "small", input_tokens: 10, max_output_tokens: 20 },
      input_tokens: 10,
      max_output_tokens: 20,
      cost_nano_usd: 300,
      reservation_id: "res-1",
      expires_at: "1970-01-01T00:15:00.000Z",
      policy_revision: "r1",
    });
  });

  it("says by which door, how long it took, and of which trace it is part", () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const origin = { door: "stream", begunMs: 0, traceparent } as const;
    expect(read(lineOf(entryOf(denied({ origin }), 0.0126)))).toMatchObject({
      door: "stream",
      duration_us: 13,
      trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
      span_id: "00f067aa0ba902b7",
    });
    expect(read(lineOf(entryOf(denied({ origin: { ...origin, traceparent: "nonsense" } }), 1)))).not.toHaveProperty(
      "trace_id",
    );
  });

  it("says which share of its kind is there, where that is not all", () => {
    const sampled = jsonLines({ replica: "host/1", share: 0.25 });
    expect(read(sampled(entryOf(allowed())))).toMatchObject({ share: 0.25 });
    expect(read(sampled(entryOf(denied())))).not.toHaveProperty("share");
    expect(read(sampled(entryOf(allowed("res-1", { degraded: true }))))).not.toHaveProperty("share");
  });

  it("says of a settlement what was reported and what was charged", () => {
    expect(read(lineOf({ kind: "settlement", at: 0, tookMs: undefined, facts: settled("res-1") }))).toMatchObject({
      kind: "settlement",
      reservation_id: "res-1",
      usage: { input_tokens: 10, output_tokens: 5 },
      input_tokens: 10,
      output_tokens: 5,
      cost_nano_usd: 200,
    });
  });

  it("says why a reservation was given back", () => {
    const facts = { reservationId: "res-1", why: "caller_gone" } as const;
    expect(read(lineOf({ kind: "release", at: 0, tookMs: undefined, facts }))).toMatchObject({
      kind: "release",
      reservation_id: "res-1",
      why: "caller_gone",
    });
  });

  it("is one line of JSON that says the same, whatever text is in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), (principal, value) => {
        const { question } = allowed();
        const facts = denied({
          caller: { principal, role: "r", workspace: "w" },
          question: question && { ...question, labels: { key: value } },
        });
        const line = lineOf(entryOf(facts));
        expect(line).not.toMatch(/[\n\r]/);
        const expected = principal === "" ? {} : { principal };
        expect(read(line)).toMatchObject({ ...expected, labels: { key: value } });
      }),
    );
  });

  it("holds no API key, wherever a caller put it", () => {
    const key = apiKeyOf("ann");
    const { question } = allowed();
    const line = lineOf(
      entryOf(
        denied({
          caller: { principal: key, role: "r", workspace: "w" },
          question: question && { ...question, model: key, labels: { key: `Bearer ${key}` } },
        }),
      ),
    );
    expect(line).not.toContain(key.slice(12, 40));
    expect(read(line)).toMatchObject({ principal: `${key.slice(0, 12)}…` });
  });
});
