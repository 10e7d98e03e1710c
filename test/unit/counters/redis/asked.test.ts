import { describe, expect, it } from "vitest";
import type { Reserve } from "../../../../src/app/ports.js";
import { isFor, type ReservationRecord, readRecord, writeBody } from "../../../../src/counters/redis/record.js";
import type { Model } from "../../../../src/domain/model.js";
import { modelOf, nano, SMALL } from "../../../support/policy-words.js";
import type { Ask } from "../../../support/stage.js";
import { headOf, settledRecord } from "./bytes.js";
import { type Calls, callsUnder } from "./reserve-of.js";

const SECRET = Buffer.alloc(9, 1);
const LARGE = modelOf("large-1", { names: ["large-1", "large"], rates: SMALL.rates });
const TWO_DOORS = modelOf("agent-1", { endpoints: ["chat_completions", "conversations"], rates: SMALL.rates });
const EMBED = modelOf("embed-1", { endpoints: ["embeddings"], rates: { inputToken: nano(1) } });
const OCR = modelOf("ocr-1", { endpoints: ["ocr"], rates: { page: nano(5), annotatedPage: nano(7) } });
const SOUND = modelOf("sound-1", { endpoints: ["audio_transcriptions"], rates: { audioSecond: nano(5) } });
const MODELS = [SMALL, LARGE, TWO_DOORS, EMBED, OCR, SOUND];

function calls(revision = "r1", models: readonly Model[] = MODELS): Calls {
  return callsUnder({ limits: { "organization.requests_per_day": 9 }, models, revision });
}

function recordOf(reserve: Reserve, { account }: Calls): ReservationRecord {
  return readRecord(Buffer.concat([headOf(0, 2_000, 1_000), writeBody(reserve, account, SECRET)]));
}

function isSame(first: Ask, again: Ask): boolean {
  const both = calls();
  return isFor(recordOf(both.reserveOf(first), both), both.reserveOf(again));
}

describe("a policy revision", () => {
  it.each(["00ff12ab34cd56ef", "r1", "", "ABCDEF", "abc", "0", "00", "ff".repeat(64), "é"])(
    "is remembered as it was: %j",
    (revision) => {
      const both = calls(revision);
      expect(recordOf(both.reserveOf(), both).asked?.policyRevision).toBe(revision);
    },
  );

  it("of hexadecimal digits takes half as many bytes", () => {
    const lengths = ["00ff12ab34cd56ef", "00FF12AB34CD56EF"].map((revision) => {
      const { account, reserveOf } = calls(revision);
      return writeBody(reserveOf(), account, SECRET).length;
    });
    expect(lengths[1]).toBe((lengths[0] ?? 0) + 8);
  });
});

describe("a request that is sent again", () => {
  it.each<[string, Ask]>([
    ["plain", { input: 5, output: 7 }],
    ["without a cap", { input: 5, output: 4_096, capUnset: true }],
    ["by an alias", { model: "large" }],
    ["with an endpoint", { endpoint: "chat_completions" }],
    ["without an output", { model: "embed-1", input: 5 }],
    ["of pages", { model: "ocr-1", pages: 3 }],
    ["of annotated pages", { model: "ocr-1", pages: 3, annotatedPages: true }],
    ["of a sound", { model: "sound-1", audioSeconds: 4_294_967_296 }],
  ])("is the same: %s", (_, ask) => {
    expect(isSame(ask, ask)).toBe(true);
  });

  it.each<[string, Ask, Ask]>([
    ["an alias of its model", { model: "small" }, { model: "small-1" }],
    ["its model's first endpoint", {}, { endpoint: "chat_completions" }],
  ])("is the same by another name that means the same: %s", (_, first, again) => {
    expect([isSame(first, again), isSame(again, first)]).toEqual([true, true]);
  });

  it.each<[string, Ask, Ask]>([
    ["model", { model: "small" }, { model: "large" }],
    ["endpoint", { model: "agent-1" }, { model: "agent-1", endpoint: "conversations" }],
    ["input", { input: 5 }, { input: 6 }],
    ["output", { output: 5 }, { output: 6 }],
    ["cap, which was named and is not", { output: 4_096 }, { output: 4_096, capUnset: true }],
    ["pages", { model: "ocr-1", pages: 3 }, { model: "ocr-1", pages: 4 }],
    ["pages' price", { model: "ocr-1", pages: 3 }, { model: "ocr-1", pages: 3, annotatedPages: true }],
    ["seconds", { model: "sound-1", audioSeconds: 3 }, { model: "sound-1", audioSeconds: 4 }],
  ])("is another by its %s", (_, first, again) => {
    expect([isSame(first, again), isSame(again, first)]).toEqual([false, false]);
  });

  it("is the same where its name has come to mean another model since", () => {
    const before = calls();
    const renamed = { ...LARGE, names: ["large-1", "large", "small"] };
    const after = calls("r2", [modelOf("small-1", { rates: SMALL.rates }), renamed]);
    const record = recordOf(before.reserveOf({ model: "small" }), before);
    const again = after.reserveOf({ model: "small" });
    expect([record.model, again.plan.model.id]).toEqual(["small-1", "large-1"]);
    expect(isFor(record, again)).toBe(true);
    expect(isFor(record, after.reserveOf({ model: "large" }))).toBe(false);
  });

  it("is never for a reservation that is settled", () => {
    const { reserveOf } = calls();
    const settled = readRecord(settledRecord(SECRET, "developer", "small-1"));
    const again = reserveOf({ input: 7, output: 5 });
    expect(isFor(settled, again)).toBe(false);
  });
});
