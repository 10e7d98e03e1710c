import type { LogRecordExporter, ReadableLogRecord } from "@opentelemetry/sdk-logs";
import { readTraceContext } from "../../app/trace-context.js";
import type { EpochMs } from "../../domain/units.js";
import type { Entry } from "./entry.js";
import type { GivenUp, Outlet } from "./outlet.js";

/** A collector, and as what this process speaks to it. */
export interface LogTarget {
  readonly exporter: LogRecordExporter;
  readonly resource: ReadableLogRecord["resource"];
  readonly scope: ReadableLogRecord["instrumentationScope"];
}

/** As many as OpenTelemetry's own processor puts into one request. */
const MOST_RECORDS = 512;
/** Of core's ExportResultCode, which would load the SDK. */
const SUCCESS = 0;
/** OpenTelemetry's severity number of INFO: a denial is no trouble of the service. */
const INFO = 9;
/** HTTP's bad request, too large, unprocessable; gRPC's INVALID_ARGUMENT: these records would be refused again. */
const REFUSED_FOR_GOOD: ReadonlySet<unknown> = new Set([400, 413, 422, 3]);
/** Of a line's fields, those that logs are searched by; the line has them all. */
const SEARCHED = [
  ...["allowed", "reason", "principal", "role", "workspace", "model", "request_id", "reservation_id"],
  ...["cost_nano_usd", "outcome", "unreserved", "degraded", "dry_run", "policy_revision", "why"],
] as const;

/**
 * Sends entries to a collector by OTLP, a record each: its line as the body, what it is searched by as attributes, and the
 * caller's span.
 *
 * The exporter tries again by itself, within its time. A batch that the collector refuses for what it holds is given up.
 */
export class OtlpOutlet implements Outlet {
  readonly #target: LogTarget;
  readonly #lineOf: (entry: Entry) => string;
  #records: ReadableLogRecord[] = [];

  constructor(target: LogTarget, lineOf: (entry: Entry) => string) {
    this.#target = target;
    this.#lineOf = lineOf;
  }

  get isFull(): boolean {
    return this.#records.length >= MOST_RECORDS;
  }

  add(entry: Entry): void {
    this.#records.push(this.#recordOf(entry));
  }

  async flush(): Promise<GivenUp | undefined> {
    const count = this.#records.length;
    if (count === 0) return undefined;
    const cause = await this.#export();
    if (cause && !isForGood(cause)) throw cause;
    this.#records = [];
    return cause && { count, cause };
  }

  async close(): Promise<void> {
    // There is nobody left to be told what its end went wrong by.
    await this.#target.exporter.shutdown().catch(() => undefined);
  }

  #export(): Promise<Error | undefined> {
    return new Promise((resolve) => {
      this.#target.exporter.export(this.#records, ({ code, error }) =>
        resolve(code === SUCCESS ? undefined : (error ?? new Error("the export failed"))),
      );
    });
  }

  #recordOf(entry: Entry): ReadableLogRecord {
    const line = this.#lineOf(entry);
    const time = highResolution(entry.at);
    const span = spanOf(entry);
    return {
      hrTime: time,
      hrTimeObserved: time,
      ...(span && { spanContext: { ...span, traceFlags: span.isSampled ? 1 : 0 } }),
      severityNumber: INFO,
      severityText: "INFO",
      eventName: `windbreak.${entry.kind}`,
      body: line,
      attributes: attributesOf(line),
      droppedAttributesCount: 0,
      resource: this.#target.resource,
      instrumentationScope: this.#target.scope,
    };
  }
}

function isForGood(cause: Error): boolean {
  return "code" in cause && REFUSED_FOR_GOOD.has(cause.code);
}

/** As OpenTelemetry counts: whole seconds, and nanoseconds on top. */
function highResolution(at: EpochMs): [number, number] {
  const seconds = Math.floor(at / 1_000);
  return [seconds, (at - seconds * 1_000) * 1_000_000];
}

function spanOf({ kind, facts }: Entry) {
  if (kind === "release" || facts.origin?.traceparent === undefined) return undefined;
  return readTraceContext(facts.origin.traceparent);
}

/** Read from the line, in which no key stands any more. */
function attributesOf(line: string): Record<string, string | number | boolean> {
  const fields: Record<string, unknown> = JSON.parse(line);
  const attributes: Record<string, string | number | boolean> = {};
  for (const name of SEARCHED) {
    const value = fields[name];
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      attributes[`windbreak.${name}`] = value;
    }
  }
  return attributes;
}
