import { type ContextManager, DiagLogLevel, diag, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { emptyResource, envDetector } from "@opentelemetry/resources";
import {
  type MetricProducer,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { core, NodeSDK } from "@opentelemetry/sdk-node";
import type { FollowedCalls } from "../app/ports.js";
import type { Tracing } from "../app/tracing.js";
import type { Millis } from "../domain/units.js";
import { CommandSpans } from "./command-spans.js";
import { type Named, ownResource } from "./own-resource.js";
import { Seldom } from "./seldom.js";
import { SpanTracing } from "./span-tracing.js";

export interface TelemetryOptions extends Named {
  /** Whether calls are followed. */
  readonly traces: boolean;
  /** undefined: metrics are not exported. */
  readonly metrics: MetricsExport | undefined;
  /** Whether OpenTelemetry's own variable says what else describes this process. */
  readonly detectsResource: boolean;
  /** Whether the client of Redis knows which server it writes to. */
  readonly knowsServer: boolean;
  /** Told, seldom, what could not be exported. */
  readonly warn: (line: string) => void;
}

interface MetricsExport {
  readonly protocol: "grpc" | "http/json" | "http/protobuf";
  readonly intervalMs: Millis;
  readonly timeoutMs: Millis;
}

/** Exports what this service tells of itself, until it is closed. */
export interface Telemetry {
  /** undefined: calls are not followed. */
  readonly tracing: Tracing | undefined;
  readonly followed: FollowedCalls | undefined;

  /** Export what is counted there from now on. */
  exportMetrics(metrics: MetricProducer): void;

  /**
   * Export what is left.
   *
   * @returns `cut` where it took longer than `graceMs`: what is under way then may hold up the end of the process.
   */
  close(graceMs: Millis): Promise<"flushed" | "cut">;
}

/**
 * Start OpenTelemetry's SDK, to be loaded by those alone who export something.
 *
 * It reads its own variables. What waits to be exported is bounded, and dropped beyond that: no decision waits for it.
 * Neither host nor command line is told unless somebody asks for it. No async context is kept and nothing is wrapped.
 */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { version, traces, metrics, detectsResource, knowsServer } = options;
  const seldom = new Seldom({ what: "complaints of OpenTelemetry's", write: options.warn });
  const late = new LateMetrics();
  const sdk = new NodeSDK({
    resource: ownResource(options),
    ...(detectsResource ? {} : { resourceDetectors: [envDetector] }),
    // What is undefined here the SDK would make of its variables; what is empty is off.
    ...(traces ? {} : { spanProcessors: [] }),
    metricReaders: metrics ? [await readerFor(metrics, late)] : [],
    logRecordProcessors: [],
    textMapPropagator: null,
    contextManager: NO_CONTEXT,
  });
  let isStarting = true;
  const tell = (...said: readonly unknown[]) => {
    const line = `OpenTelemetry: ${said.map(wordsOf).join(" ")}`;
    // What is wrong with a variable is said at the start, once, and each is worth its line.
    if (isStarting) options.warn(line);
    else seldom.tell(line);
  };
  const nothing = () => {};
  // After the SDK, which would have its own say on the terminal.
  diag.setLogger(
    { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  core.setGlobalErrorHandler(tell);
  sdk.start();
  isStarting = false;

  const tracer = trace.getTracer("windbreak", version);
  const tracing = traces ? new SpanTracing(tracer) : undefined;
  return {
    tracing,
    followed: tracing && new CommandSpans({ tracer, current: () => tracing.current(), knowsServer }),
    exportMetrics: (producer) => late.follow(producer),
    close: async (graceMs) => {
      const outcome = await flush(sdk, graceMs, tell);
      seldom.close();
      return outcome;
    },
  };
}

async function flush(sdk: NodeSDK, graceMs: Millis, tell: (cause: unknown) => void): Promise<"flushed" | "cut"> {
  let timer: NodeJS.Timeout | undefined;
  const cut = new Promise<"cut">((resolve) => {
    timer = setTimeout(() => resolve("cut"), graceMs);
  });
  const flushed = sdk.shutdown().then(
    () => "flushed" as const,
    (cause: unknown) => {
      tell(cause);
      return "flushed" as const;
    },
  );
  const outcome = await Promise.race([flushed, cut]);
  clearTimeout(timer);
  return outcome;
}

/** Where the SDK would keep its own, async hooks would slow every promise of this process. Nothing here looks for one. */
const NO_CONTEXT: ContextManager = {
  active: () => ROOT_CONTEXT,
  with: (_context, run, self, ...args) => run.call(self, ...args),
  bind: (_context, target) => target,
  enable: () => NO_CONTEXT,
  disable: () => NO_CONTEXT,
};

/** Metrics of a service that is made later than their reader. */
class LateMetrics implements MetricProducer {
  #producer: MetricProducer | undefined;

  follow(producer: MetricProducer): void {
    this.#producer = producer;
  }

  collect: MetricProducer["collect"] = async (options) =>
    this.#producer?.collect(options) ?? {
      resourceMetrics: { resource: emptyResource(), scopeMetrics: [] },
      errors: [],
    };
}

/** Read all at once, as often as its variables say: of readers that it makes itself, the SDK asks no producer. */
async function readerFor({ protocol, intervalMs, timeoutMs }: MetricsExport, metrics: MetricProducer) {
  return new PeriodicExportingMetricReader({
    exporter: await exporterFor(protocol),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: timeoutMs,
    metricProducers: [metrics],
  });
}

async function exporterFor(protocol: MetricsExport["protocol"]): Promise<PushMetricExporter> {
  switch (protocol) {
    case "grpc":
      return new (await import("@opentelemetry/exporter-metrics-otlp-grpc")).OTLPMetricExporter();
    case "http/json":
      return new (await import("@opentelemetry/exporter-metrics-otlp-http")).OTLPMetricExporter();
    case "http/protobuf":
      return new (await import("@opentelemetry/exporter-metrics-otlp-proto")).OTLPMetricExporter();
  }
}

/** In a few words: where every address of a name fails, the error has none, but a code. */
function wordsOf(said: unknown): string {
  if (!(said instanceof Error)) return String(said);
  return said.message || ("code" in said ? String(said.code) : said.name);
}
