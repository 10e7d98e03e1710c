import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { MaybePromise } from "../app/ports.js";
import type { TraceContext } from "../app/trace-context.js";
import type { Beginning, CallTrace, Facts, Tracing } from "../app/tracing.js";

/** What callers send may be long, and waits in memory until it is exported. */
const MOST_LENGTH = 256;
/** What a server's span is an error for; by OpenTelemetry's conventions for RPC, callers answer for the others. */
const ERRORS: ReadonlySet<string> = new Set([
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
]);

/**
 * Follows calls by spans that are made by hand.
 *
 * The sampler decides first. OpenTelemetry's own instrumentation of gRPC costs a third of the calls served whether or not
 * it samples them, since it is the wrapping that costs. Nothing here is found by async context either: that would slow
 * every promise of the process. A span is current only while the store is being asked, which waits for nothing.
 */
export class SpanTracing implements Tracing {
  readonly #tracer: Tracer;
  #current: Span | undefined;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  begin(method: string, { context, isOfStream = false, begunMs }: Beginning): CallTrace | undefined {
    const caller = context && spanContextOf(context);
    const parent = caller && !isOfStream ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT;
    const span = this.#tracer.startSpan(method, { kind: SpanKind.SERVER, startTime: begunMs }, parent);
    if (!span.isRecording()) return undefined;
    if (caller && isOfStream) span.addLink({ context: caller });
    span.setAttributes({ "rpc.system.name": "grpc", "rpc.method": method });
    return new SpanTrace(span, (name, within, ask) => this.#step(name, within, ask));
  }

  /** The span of the step of a call that the store is asked for at this moment. */
  current(): Span | undefined {
    return this.#current;
  }

  #step<T>(name: string, within: Context, ask: () => MaybePromise<T>): MaybePromise<T> {
    // One that is never ended is never exported.
    const span = this.#tracer.startSpan(name, {}, within);
    this.#current = span;
    let asked: MaybePromise<T>;
    try {
      asked = ask();
    } finally {
      this.#current = undefined;
    }
    if (!(asked instanceof Promise)) return asked;
    return asked.then(
      (answer) => {
        if (isAway(answer)) span.setStatus({ code: SpanStatusCode.ERROR, message: "the store did not answer" });
        span.end();
        return answer;
      },
      (cause: unknown) => {
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
        throw cause;
      },
    );
  }
}

type Step = <T>(name: string, within: Context, ask: () => MaybePromise<T>) => MaybePromise<T>;

class SpanTrace implements CallTrace {
  readonly #span: Span;
  readonly #within: Context;
  readonly #step: Step;

  constructor(span: Span, step: Step) {
    this.#span = span;
    this.#within = trace.setSpan(ROOT_CONTEXT, span);
    this.#step = step;
  }

  tell(facts: Facts): void {
    this.#span.setAttributes(attributesOf(facts));
  }

  step<T>(name: string, ask: () => MaybePromise<T>): MaybePromise<T> {
    return this.#step(`store ${name}`, this.#within, ask);
  }

  end(status: string): void {
    this.#span.setAttribute("rpc.response.status_code", status);
    if (ERRORS.has(status)) {
      this.#span.setAttribute("error.type", status);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

function spanContextOf({ traceId, spanId, isSampled, state }: TraceContext): SpanContext {
  return {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(state !== "" && { traceState: createTraceState(state) }),
  };
}

function attributesOf(facts: Facts): Attributes {
  const attributes: Attributes = {};
  for (const [name, fact] of Object.entries(facts)) {
    if (typeof fact === "object") attributes[name] = [...fact];
    else if (fact !== undefined) attributes[name] = typeof fact === "string" ? fact.slice(0, MOST_LENGTH) : fact;
  }
  return attributes;
}

function isAway(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "kind" in answer && answer.kind === "away";
}
