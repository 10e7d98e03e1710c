import { describe, expect, it } from "vitest";
import { createLog } from "../../../src/telemetry/log.js";

function capture(format: "json" | "text", level: "debug" | "info" | "warn" | "error" = "info") {
  const lines: string[] = [];
  return { lines, log: createLog({ format, level, write: (line) => lines.push(line), now: () => new Date(0) }) };
}

describe("the operator's log", () => {
  it("writes one JSON object a line, also for text with line breaks", () => {
    const { lines, log } = capture("json");
    log.warn('two\nlines "quoted"');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: "1970-01-01T00:00:00.000Z",
      level: "warn",
      message: 'two\nlines "quoted"',
    });
  });

  it("writes words for a terminal, and a cause with its own cause", () => {
    const { lines, log } = capture("text");
    log.error("a call failed", new Error("outer", { cause: new Error("inner") }));
    expect(lines[0]).toMatch(/^1970-01-01T00:00:00.000Z error a call failed\n.*outer[\s\S]*caused by: [\s\S]*inner/);
  });

  it("keeps a line of words one line, whatever name is in it", () => {
    const { lines, log } = capture("text");
    log.info("listening on unix:/run/a\n\u001b[2J.sock");
    expect(lines).toEqual(["1970-01-01T00:00:00.000Z info  listening on unix:/run/a\\u{a}\\u{1b}[2J.sock\n"]);
  });

  it("leaves out what is below its level", () => {
    const { lines, log } = capture("text", "warn");
    log.info("quiet");
    log.warn("loud");
    expect(lines).toHaveLength(1);
  });
});
