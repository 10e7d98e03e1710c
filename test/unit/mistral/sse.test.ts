import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SseEvent, SseReader } from "../../../src/mistral/sse.js";
import { cutAt, cuts } from "./cuts.js";

function read(chunks: readonly Buffer[], maxEventBytes?: number): readonly SseEvent[] {
  const events: SseEvent[] = [];
  const reader = new SseReader((event) => events.push(event), maxEventBytes);
  for (const chunk of chunks) reader.write(chunk);
  reader.end();
  return events;
}

function readText(text: string, maxEventBytes?: number): readonly SseEvent[] {
  return read([Buffer.from(text)], maxEventBytes);
}

function event(data: string, name = ""): SseEvent {
  return { kind: "event", name, data };
}

const LINE_ENDS = ["\n", "\r\n", "\r"] as const;

describe("a stream of events", () => {
  it.each(LINE_ENDS)("whose lines end with %j is read", (end) => {
    const lines = ["event: done", "data: {", "data:1}", "", ": alive", "", "data: [DONE]", "", ""];
    expect(readText(lines.join(end))).toEqual([event("{\n1}", "done"), event("[DONE]")]);
  });

  it("may mix its line ends", () => {
    expect(readText("data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r\ndata: e\n\n")).toEqual([
      event("a\nb\nc"),
      event("d"),
      event("e"),
    ]);
  });

  it.each([
    ["data:x\n\n", [event("x")]],
    ["data:  x \n\n", [event(" x ")]],
    ["data: a: b\n\n", [event("a: b")]],
    ["data\n\n", [event("")]],
    ["data\ndata\n\n", [event("\n")]],
    ["\ufeffdata: x\n\n", [event("x")]],
    ["\n\ufeffdata: only the first line may have a mark\n\n", []],
    ["data: x\n\n\n\n", [event("x")]],
    ["event: e\n\ndata: x\n\n", [event("x")]],
    ["event: e\nevent: f\ndata: x\n\n", [event("x", "f")]],
    ["id: 1\nretry: 5\nDATA: no\nother\ndata: x\n\n", [event("x")]],
    [" data: x\n\n", []],
    ["data: x\n:comment\ndata: y\n\n", [event("x\ny")]],
    ["data: x", [event("x")]],
    ["data: x\n", [event("x")]],
    ["", []],
    [": only\n\n", []],
  ])("%j", (text, events) => {
    expect(readText(text)).toEqual(events);
  });

  it("has what is no UTF-8 as replacement characters", () => {
    expect(read([Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x41, 0x0a, 0x0a])])).toEqual([event("\ufffdA")]);
  });

  it.each(LINE_ENDS)("is read the same wherever it is cut, with lines that end with %j", (end) => {
    const text = ["\ufeffevent: é", "data: l'été 🌞", "data", "", ":c", "data:x", "", "data: [DONE]", "", ""].join(end);
    const bytes = Buffer.from(text);
    const whole = read([bytes]);
    expect(whole).toEqual([event("l'été 🌞\n", "é"), event("x"), event("[DONE]")]);
    for (let at = 0; at <= bytes.length; at++) expect(read(cutAt(bytes, [at]))).toEqual(whole);
    expect(read(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole);
  });

  it("is read the same wherever it is cut, whatever it is", () => {
    const word = fc.constantFrom("data", "event", ":", " ", "x", "é", "🌞", "\r", "\n", "\r\n", "\ufeff");
    const text = fc.array(word, { maxLength: 40 }).map((words) => Buffer.from(words.join("")));
    fc.assert(
      fc.property(text, cuts, fc.constantFrom(4, 12, undefined), (bytes, at, bound) => {
        expect(read(cutAt(bytes, at), bound)).toEqual(read([bytes], bound));
      }),
    );
  });
});

describe("an event that is too long", () => {
  it("is passed over and its bytes are counted", () => {
    expect(readText("data: 1\n\ndata: 345678\n\ndata: 2\n\n", 9)).toEqual([
      event("1"),
      { kind: "passed_over", bytes: 12 },
      event("2"),
    ]);
    expect(readText("data: 12\ndata: 34\nevent: e\n\ndata: 2\n\n", 15)).toEqual([
      { kind: "passed_over", bytes: 24 },
      event("2"),
    ]);
  });

  it("is as long as the bound at the least, and one byte more", () => {
    expect(readText("data: 345\n\n", 9)).toEqual([event("345")]);
    expect(readText("data: 3456\n\n", 9)).toEqual([{ kind: "passed_over", bytes: 10 }]);
  });

  it("does not grow by the comments that keep its connection alive", () => {
    expect(readText(`data: 1\n${": alive\n".repeat(100)}data: 2\n\n`, 20)).toEqual([event("1\n2")]);
  });

  it("leaves nothing behind for the next, however it is cut", () => {
    const bytes = Buffer.from("data: 345678\n\ndata: 2\n\n");
    const eachByte = Array.from(bytes, (byte) => Buffer.from([byte]));
    expect(read(eachByte, 9)).toEqual([{ kind: "passed_over", bytes: 12 }, event("2")]);
  });

  it("is told of where it is cut off", () => {
    expect(readText("data: 3456", 9)).toEqual([{ kind: "passed_over", bytes: 10 }]);
  });

  it("is not held", () => {
    const events: SseEvent[] = [];
    const reader = new SseReader((one) => events.push(one));
    const chunk = Buffer.alloc(1024 * 1024, 0x61);
    const before = process.memoryUsage();
    for (let sent = 0; sent < 256; sent++) reader.write(chunk);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024);
    reader.write(Buffer.from("\n\n"));
    expect(events).toEqual([{ kind: "passed_over", bytes: 256 * 1024 * 1024 }]);
  });
});
