import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonLines } from "../../../../src/telemetry/decisions/json-lines.js";
import { readLine } from "../../../../src/telemetry/decisions/read-line.js";
import { allowed, denied } from "./told-facts.js";

const lineOf = jsonLines({ replica: "host/1", share: 0.5 });
const written = (facts = allowed()) => lineOf({ kind: "decision", at: 1_000, tookMs: 0.2, facts });
const changed = (fields: object) => readLine(JSON.stringify({ ...JSON.parse(written()), ...fields }));

describe("a line of the decision log", () => {
  test("is read back as it was written", () => {
    expect(readLine(written())).toEqual({
      kind: "decision",
      at: 1_000,
      allowed: true,
      reason: "allowed",
      requestId: "req-1",
      reservationId: "res-1",
      expiresAt: 900_000,
      caller: { principal: "ann", role: "developer", workspace: "dev" },
      model: "small-1",
      asked: { model: "small", endpoint: undefined, request: allowed().question?.request },
      cost: 300,
      refusedBy: undefined,
      dryRun: false,
      degraded: false,
      share: 0.5,
      policyRevision: "r1",
    });
    expect(readLine(written(denied()))).toMatchObject({
      allowed: false,
      reason: "model_not_allowed",
      reservationId: "",
    });
    const choices = {
      inputTokens: 1,
      maxOutputTokens: 0,
      pages: 2,
      audioSeconds: 3,
      annotatedPages: true,
      choices: 4,
      fillsContext: true,
    };
    const question = { requestId: "q", model: "m", endpoint: "ocr", request: choices, labels: {} } as const;
    expect(readLine(written(allowed("r", { question })))).toMatchObject({
      asked: { endpoint: "ocr", request: choices },
    });
  });

  test("is not taken for whole wherever it is torn", () => {
    const whole = written();
    for (let length = 0; length < whole.length; length++) {
      expect(readLine(whole.slice(0, length)).kind).toBe("unreadable");
    }
  });

  test("tells the limit that decided, where one did", () => {
    const limits = [
      { name: "first", refuses: true },
      { name: "second", refuses: true },
    ];
    expect(changed({ limits })).toMatchObject({ refusedBy: "first" });
    expect(changed({ limits: [{ name: "first" }] })).toMatchObject({ refusedBy: undefined });
  });

  test.each([
    [{ time: "soon" }, "its time is not a time"],
    [{ time: undefined }, "its time is not a time"],
    [{ allowed: "yes" }, "its allowed is not true or false"],
    [{ principal: 7 }, "its principal is not text"],
    [{ cost_nano_usd: -1 }, "its cost_nano_usd is not a whole number up to 2^53-1"],
    [{ asked: { model: "m", input_tokens: 1.5 } }, "its input_tokens is not a whole number up to 2^53-1"],
    [{ asked: { model: "m", endpoint: "telepathy" } }, /^its endpoint is not one of chat_completions, /],
    [{ asked: [] }, "its asked is not an object"],
    [{ limits: {} }, "its limits is not a list of objects"],
    [{ share: 2 }, "its share is not a number from 0 to 1"],
    [{ v: "1" }, "it is no line of a decision log"],
  ])("is passed over where a field is not what it must be: %j", (fields, why) => {
    expect(changed(fields)).toEqual({
      kind: "unreadable",
      why: typeof why === "string" ? why : expect.stringMatching(why),
    });
  });

  test("of another version is told apart", () => {
    expect(changed({ v: 2 })).toEqual({ kind: "another_version", version: 2 });
    expect(changed({ kind: "weather" })).toEqual({ kind: "unknown_kind" });
  });

  test("never throws, whatever it holds", () => {
    const field = fc.constantFrom("v", "kind", "time", "allowed", "asked", "usage", "limits", "share", "outcome");
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(1, "decision", "settlement", "release"));
    fc.assert(
      fc.property(fc.dictionary(field, value), (fields) => {
        expect(["decision", "settlement", "release", "unreadable", "unknown_kind", "another_version"]).toContain(
          readLine(JSON.stringify({ v: 1, ...fields })).kind,
        );
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void readLine(text)));
  });
});
