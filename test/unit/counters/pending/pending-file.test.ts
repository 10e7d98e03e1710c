import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PendingCall } from "../../../../src/app/pending-usage.js";
import { PendingFile } from "../../../../src/counters/pending/pending-file.js";
import { idsOf, reportOf } from "./pending-calls.js";

let directory = "";
const opened: PendingFile[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windbreak-pending-"));
});
afterEach(() => {
  for (const file of opened.splice(0)) file.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(): PendingFile {
  const file = new PendingFile(directory);
  opened.push(file);
  return file;
}

function path(): string {
  return join(directory, "pending-usage.jsonl");
}

function text(): string {
  return readFileSync(path(), "utf8");
}

function keep(file: PendingFile, ...ids: readonly string[]): void {
  for (const id of ids) file.keep(id, reportOf(id));
}

/** What a process that starts after this one would find. */
function found(): readonly string[] {
  return [...open().restored.keys()];
}

const FULL = reportOf("r", {
  requestId: "req-1",
  endpoint: "ocr",
  usage: {
    inputTokens: Number.MAX_SAFE_INTEGER,
    cachedInputTokens: 0,
    outputTokens: 7,
    pages: 3,
    audioSeconds: 1,
    annotatedPages: true,
  },
  outcome: "cancelled",
  labels: { team: "ünï\n\u2028\u{1f600}", "": '"' },
  includeLimits: true,
});

describe("a file of reports that wait", () => {
  it("is empty where there was none, and is its owner's alone to read", () => {
    expect([open().restored.size, open().unreadable, text()]).toEqual([0, 0, ""]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it("knows still of a caller that it proved who it is", () => {
    const report = reportOf("r");
    const proved: PendingCall = { ...report, name: { ...report.name, isProved: true } };
    open().keep("proved", proved);
    expect([...open().restored.values()]).toEqual([proved]);
  });

  it("gives back what was kept, every part of it, oldest first", () => {
    const file = open();
    keep(file, "a");
    file.keep("full", FULL);
    keep(file, "b");
    const { restored, unreadable } = open();
    expect([...restored]).toEqual([
      ["a", reportOf("a")],
      ["full", FULL],
      ["b", reportOf("b")],
    ]);
    expect(unreadable).toBe(0);
  });

  it("gives nothing back that was dropped since, and is empty once nothing waits", () => {
    const file = open();
    keep(file, "a", "b", "c");
    file.drop("b");
    expect(found()).toEqual(["a", "c"]);
    file.drop("a");
    file.drop("c");
    expect([found(), text()]).toEqual([[], ""]);
    keep(file, "d");
    expect(found()).toEqual(["d"]);
  });

  it("holds a report once, however often it was kept, in its first place and with its last words", () => {
    const file = open();
    keep(file, "a", "b");
    file.keep("a", reportOf("a", { model: "large" }));
    expect([...open().restored]).toEqual([
      ["a", reportOf("a", { model: "large" })],
      ["b", reportOf("b")],
    ]);
  });

  it("goes on where an earlier process left off", () => {
    keep(open(), "a", "b");
    const next = open();
    next.drop("a");
    keep(next, "c");
    expect(found()).toEqual(["b", "c"]);
    next.drop("b");
    next.drop("c");
    expect(text()).toBe("");
  });

  it("cannot be opened where its directory is not there", () => {
    rmSync(directory, { recursive: true });
    expect(() => new PendingFile(directory)).toThrow(/ENOENT/);
  });

  it("restores what was kept and not dropped, after any of these and any restarts", () => {
    const step = fc.tuple(fc.constantFrom("keep", "drop", "reopen"), fc.constantFrom("a", "b", "c", "d"));
    const property = fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      rmSync(path(), { force: true });
      const waiting = new Map<string, PendingCall>();
      let file = open();
      for (const [what, id] of steps) {
        if (what === "reopen") file = open();
        if (what === "keep") {
          waiting.set(id, reportOf(id));
          file.keep(id, reportOf(id));
        }
        if (what === "drop" && waiting.delete(id)) file.drop(id);
      }
      expect([...open().restored]).toEqual([...waiting]);
      for (const one of opened.splice(0)) one.close();
    });
    fc.assert(property, { seed: 1, numRuns: 50 });
  });
});

describe("a torn line", () => {
  it("is counted and costs no other line, wherever it was torn", () => {
    keep(open(), "a", "b");
    const whole = text();
    const lengths = Array.from({ length: whole.length + 1 }, (_, length) => length);
    const ends = ["a", "b"].map((id) => whole.indexOf("\n", whole.indexOf(`"key":"${id}"`)));
    for (const length of lengths) {
      writeFileSync(path(), whole.slice(0, length));
      const { restored, unreadable } = open();
      const readable = ends.filter((end) => length >= end).length;
      expect([restored.size, idsOf(restored.values())]).toEqual([readable, ["a", "b"].slice(0, readable)]);
      expect(unreadable).toBeLessThanOrEqual(1);
      for (const one of opened.splice(0)) one.close();
    }
  });

  function tear(): void {
    keep(open(), "a", "b", "torn");
    writeFileSync(path(), text().slice(0, -20));
  }

  it("does not spoil the report that is kept next", () => {
    tear();
    const file = open();
    expect([[...file.restored.keys()], file.unreadable]).toEqual([["a", "b"], 1]);
    keep(file, "c");
    expect(found()).toEqual(["a", "b", "c"]);
  });

  it("does not spoil what is dropped next: a report that was sent must not be sent again", () => {
    tear();
    open().drop("a");
    expect(found()).toEqual(["b"]);
  });

  it.each([
    ["no JSON", "{"],
    ["no report", "[]"],
    ["nothing", "null"],
    ["a report without a key", '{"pending":{}}'],
    ["a report of another form", '{"key":"x","pending":{"call":{}}}'],
    ["a negative amount", JSON.stringify({ key: "x", pending: FULL }).replace('"pages":3', '"pages":-3')],
    ["an endpoint that is none", JSON.stringify({ key: "x", pending: FULL }).replace('"ocr"', '"oracle"')],
  ])("may be %s, and is counted only", (_, line) => {
    keep(open(), "a");
    writeFileSync(path(), `${text()}${line}\n`);
    const { restored, unreadable } = open();
    expect([[...restored.keys()], unreadable]).toEqual([["a"], 1]);
  });
});

describe("a file that holds more stale lines than it is worth", () => {
  it("is written anew, without them, in order, and for its owner alone", () => {
    const file = open();
    keep(file, "a", "b", "c");
    file.drop("b");
    for (let nth = 0; nth < 9_996; nth++) file.drop(`gone-${nth}`);
    const before = text();
    expect(before.split("\n").filter((line) => line !== "").length).toBe(10_000);
    for (let nth = 0; nth < 3; nth++) file.drop(`gone-again-${nth}`);
    const after = text();
    expect(after.split("\n").filter((line) => line !== "").length).toBe(2);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    keep(file, "d");
    file.drop("a");
    expect(found()).toEqual(["c", "d"]);
  });

  it("is bounded however long one report waits and others come and go", () => {
    const file = open();
    keep(file, "stays");
    for (let nth = 0; nth < 12_000; nth++) {
      keep(file, "comes");
      file.drop("comes");
    }
    expect(
      text()
        .split("\n")
        .filter((line) => line !== "").length,
    ).toBeLessThanOrEqual(10_002);
    expect(found()).toEqual(["stays"]);
  });
});
