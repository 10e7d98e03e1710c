import { describe, expect, test } from "vitest";
import { readQuestion } from "../../../src/commands/question.js";
import { type Flags, formatSettingFault } from "../../../src/settings/given.js";

const MODEL = { model: "mistral-small-latest" };

function faultsOf(flags: Flags): readonly string[] {
  const read = readQuestion({ ...MODEL, ...flags });
  return read.kind === "faulty" ? read.faults.map(formatSettingFault) : [];
}

describe("a question made of flags", () => {
  test("holds what was given", () => {
    const flags = {
      ...MODEL,
      principal: "ada",
      role: "senior",
      workspace: "dev",
      endpoint: "ocr",
      "input-tokens": "1_000",
      "max-output-tokens": "9007199254740991",
      pages: "3",
      "audio-seconds": "0",
      "annotated-pages": true,
      "request-id": "q1",
      label: ["case=42", "note=a=b", "empty="],
      "dry-run": true,
      "include-limits": true,
    };
    expect(readQuestion(flags)).toEqual({
      kind: "question",
      call: {
        requestId: "q1",
        principal: { id: "ada", role: "senior", workspace: "dev" },
        model: "mistral-small-latest",
        endpoint: "ocr",
        request: {
          inputTokens: 1_000,
          maxOutputTokens: Number.MAX_SAFE_INTEGER,
          pages: 3,
          audioSeconds: 0,
          annotatedPages: true,
        },
        labels: { case: "42", note: "a=b", empty: "" },
        dryRun: true,
        includeLimits: true,
      },
    });
  });

  test("leaves the rest empty", () => {
    expect(readQuestion(MODEL)).toEqual({
      kind: "question",
      call: {
        requestId: "",
        principal: { id: "", role: "", workspace: "" },
        model: "mistral-small-latest",
        endpoint: undefined,
        request: { inputTokens: 0, maxOutputTokens: 0, pages: 0, audioSeconds: 0, annotatedPages: false },
        labels: {},
        dryRun: false,
        includeLimits: false,
      },
    });
  });

  test("needs a model", () => {
    expect(faultsOf({ model: "" })).toEqual(["--model: missing; name a model, such as mistral-small-latest"]);
  });

  test.each(["-1", "1.5", "1e3", "9007199254740992", "ten", " 1", "_1", "1__0", "0x1", "NaN"])(
    "does not take %s for a number",
    (text) => {
      expect(faultsOf({ pages: text })).toEqual([
        `--pages ${text}: not a whole number from 0 to 9007199254740991; write it in digits, such as 1000 or 1_000`,
      ]);
    },
  );

  test("knows the endpoints", () => {
    expect(faultsOf({ endpoint: "chat" })).toEqual([
      expect.stringMatching(/^--endpoint chat: no endpoint; choose chat_completions, /),
    ]);
  });

  test.each([
    [["case"], "--label case: no label; write each as KEY=VALUE, once"],
    [["=42"], "--label =42: no label; write each as KEY=VALUE, once"],
    [["a=1", "a=2"], "--label a=2: given twice; write each as KEY=VALUE, once"],
  ])("does not take the labels %j", (label, fault) => {
    expect(faultsOf({ label })).toEqual([fault]);
  });

  test("takes no label for a part of every object", () => {
    const read = readQuestion({ ...MODEL, label: ["__proto__=x"] });
    expect(read.kind === "question" && Object.entries(read.call.labels)).toEqual([["__proto__", "x"]]);
  });

  test("tells all faults at once", () => {
    expect(faultsOf({ model: "", endpoint: "x", pages: "x", "input-tokens": "x", label: ["x"] })).toHaveLength(5);
  });
});
