import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTraceContext } from "../../../src/app/trace-context.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a trace context", () => {
  it("is read with the caller's decision to record", () => {
    expect(readTraceContext(`00-${TRACE}-${SPAN}-01`, "vendor=1")).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      isSampled: true,
      state: "vendor=1",
    });
    expect(readTraceContext(`00-${TRACE}-${SPAN}-00`)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      isSampled: false,
      state: "",
    });
    expect(readTraceContext(`00-${TRACE}-${SPAN}-03`)?.isSampled).toBe(true);
    expect(readTraceContext(`00-${TRACE}-${SPAN}-02`)?.isSampled).toBe(false);
  });

  it("of a version to come is read as far as it is known", () => {
    expect(readTraceContext(`cc-${TRACE}-${SPAN}-01`)?.traceId).toBe(TRACE);
    expect(readTraceContext(`cc-${TRACE}-${SPAN}-01-what-comes`)?.spanId).toBe(SPAN);
    expect(readTraceContext(`cc-${TRACE}-${SPAN}-01.what`)).toBeUndefined();
  });

  it.each([
    ["empty", ""],
    ["of no version", `ff-${TRACE}-${SPAN}-01`],
    ["with more than its version has", `00-${TRACE}-${SPAN}-01-more`],
    ["of a trace that is none", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["of a span that is none", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["in capitals", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["too short", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["with flags that are no number", `00-${TRACE}-${SPAN}-0x`],
    ["between spaces", ` 00-${TRACE}-${SPAN}-01 `],
    ["with a line below it", `00-${TRACE}-${SPAN}-01\n`],
    ["too long", `cc-${TRACE}-${SPAN}-01-${"a".repeat(1000)}`],
  ])("that is %s is none", (_, traceparent) => {
    expect(readTraceContext(traceparent)).toBeUndefined();
  });

  it("drops a state that is too long or no text, and stays", () => {
    for (const state of ["a".repeat(513), "a=\u0000", "a=é"]) {
      expect(readTraceContext(`00-${TRACE}-${SPAN}-01`, state)).toMatchObject({ traceId: TRACE, state: "" });
    }
  });

  it("is read from any text without a fault, and never other than W3C has it", () => {
    const near = fc
      .tuple(fc.constantFrom(TRACE, "0".repeat(32), "g"), fc.constantFrom(SPAN, "x"), fc.string({ maxLength: 4 }))
      .map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), near), fc.string({ unit: "binary" }), (parent, state) => {
        const read = readTraceContext(parent, state);
        if (read) expect(parent).toMatch(/^(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-|$)/);
        expect(read === undefined || !/^0+$/.test(read.traceId + read.spanId)).toBe(true);
      }),
    );
  });
});
