import { SpanStatusCode } from "@opentelemetry/api";
import { tracing } from "@opentelemetry/sdk-node";
import { describe, expect, it } from "vitest";
import type { TraceContext } from "../../../src/app/trace-context.js";
import { CommandSpans } from "../../../src/telemetry/command-spans.js";
import { SpanTracing } from "../../../src/telemetry/span-tracing.js";

const CALLER: TraceContext = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  isSampled: true,
  state: "vendor=1",
};

function follow(sampler: tracing.Sampler = new tracing.AlwaysOnSampler()) {
  const exporter = new tracing.InMemorySpanExporter();
  const processor = new tracing.SimpleSpanProcessor(exporter);
  const tracer = new tracing.BasicTracerProvider({ sampler, spanProcessors: [processor] }).getTracer("test");
  const spans = new SpanTracing(tracer);
  const begin = (context?: TraceContext, isOfStream = false) =>
    spans.begin("a.B/C", { context, isOfStream, begunMs: performance.now() });
  return { tracer, spans, begin, ended: () => exporter.getFinishedSpans() };
}

describe("a followed call", () => {
  it("is below its caller's span and keeps the caller's trace state", () => {
    const { begin, ended } = follow();
    begin(CALLER)?.end("OK");
    const [span] = ended();
    expect(span?.parentSpanContext).toMatchObject({ traceId: CALLER.traceId, spanId: CALLER.spanId });
    expect(span?.spanContext()).toMatchObject({ traceId: CALLER.traceId });
    expect(span?.spanContext().traceState?.serialize()).toBe("vendor=1");
  });

  it("of a stream is a trace of its own, and linked", () => {
    const { begin, ended } = follow();
    begin(CALLER, true)?.end("OK");
    const [span] = ended();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.links.map(({ context }) => context.spanId)).toEqual([CALLER.spanId]);
  });

  it("is none where the sampler says so", () => {
    expect(follow(new tracing.AlwaysOffSampler()).begin(CALLER)).toBeUndefined();
  });

  it("keeps of what callers send no more than is read by a person", () => {
    const { begin, ended } = follow();
    const call = begin();
    call?.tell({ long: "a".repeat(65_536), none: undefined, list: ["x"], number: 1 });
    call?.end("OK");
    const { long, ...rest } = ended()[0]?.attributes ?? {};
    expect(String(long)).toHaveLength(256);
    expect(rest).toMatchObject({ list: ["x"], number: 1 });
    expect("none" in rest).toBe(false);
  });

  it.each([
    ["OK", SpanStatusCode.UNSET],
    ["INVALID_ARGUMENT", SpanStatusCode.UNSET],
    ["PERMISSION_DENIED", SpanStatusCode.UNSET],
    ["CANCELLED", SpanStatusCode.UNSET],
    ["INTERNAL", SpanStatusCode.ERROR],
    ["UNAVAILABLE", SpanStatusCode.ERROR],
    ["DEADLINE_EXCEEDED", SpanStatusCode.ERROR],
  ])("that ends as %s has the status %d", (status, code) => {
    const { begin, ended } = follow();
    begin()?.end(status);
    expect(ended()[0]?.status.code).toBe(code);
  });
});

describe("a step of a followed call", () => {
  it("that is done at once is not shown", () => {
    const { begin, ended } = follow();
    expect(begin()?.step("reserve", () => 1)).toBe(1);
    expect(ended()).toEqual([]);
  });

  it("is current only until the store was asked, though that fails", async () => {
    const { begin, spans, ended } = follow();
    const call = begin();
    expect(() =>
      call?.step("reserve", () => {
        throw new Error("broken");
      }),
    ).toThrow("broken");
    expect(spans.current()).toBeUndefined();
    const asked = call?.step("settle", async () => {
      throw new Error("late");
    });
    expect(spans.current()).toBeUndefined();
    await expect(asked).rejects.toThrow("late");
    expect(ended().map(({ name, status }) => [name, status.code])).toEqual([["store settle", SpanStatusCode.ERROR]]);
  });
});

describe("a command for followed calls", () => {
  it("that the client tells nothing of is sent all the same", async () => {
    const { tracer, begin, spans, ended } = follow();
    const commands = new CommandSpans({ tracer, current: () => spans.current(), knowsServer: true });
    const call = begin();
    const answer = await call?.step("reserve", () => {
      const current = commands.current();
      return commands.sendFor(current ? [current] : [], async () => "answer");
    });
    expect(answer).toBe("answer");
    expect(ended().map(({ name }) => name)).toEqual(["store reserve"]);
    expect(commands.current()).toBeUndefined();
  });
});
