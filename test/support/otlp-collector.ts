import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually } from "./eventually.js";

/** A span as it was exported, flat. */
export interface Exported {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: none. */
  readonly parentSpanId: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** 0 unset, 2 error. */
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly startMs: number;
  readonly endMs: number;
}

/** A log record as it was exported, flat. */
export interface ExportedLog {
  readonly eventName: string;
  readonly body: string;
  readonly timeMs: number;
  readonly severity: string;
  /** Empty: of no span. */
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A collector that keeps what it is sent by OTLP over HTTP, in JSON. */
export class OtlpCollector {
  readonly spans: Exported[] = [];
  readonly logs: ExportedLog[] = [];
  /** What it answers from now on; anything but 200 keeps nothing. */
  status = 200;
  /** The newest value of each series, by its metric's name and labels. */
  readonly series = new Map<string, number>();
  readonly resource: Record<string, unknown> = {};
  readonly #held: ServerResponse[] = [];
  readonly #holds: boolean;
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (this.#holds) {
        this.#held.push(response);
        return;
      }
      if (this.status === 200) this.#take(request.url ?? "", JSON.parse(Buffer.concat(parts).toString()));
      response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
    });
  });

  private constructor(holds: boolean) {
    this.#holds = holds;
  }

  /** @param holds takes every request and answers none. */
  static async start({ holds = false } = {}): Promise<OtlpCollector> {
    const collector = new OtlpCollector(holds);
    await once(collector.#server.listen(0, "127.0.0.1"), "listening");
    return collector;
  }

  /** Requests that were taken and are not answered. */
  get held(): number {
    return this.#held.length;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What sends a program's traces here at once, all of them. */
  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "1",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    };
  }

  /** The first span that is as asked, from now or before. @throws at the deadline. */
  async span(is: (span: Exported) => boolean): Promise<Exported> {
    let found: Exported | undefined;
    await eventually(async () => {
      found = this.spans.find(is);
      if (!found) throw new Error(`no such span among ${this.spans.map(({ name }) => name).join(", ")}`);
    });
    if (!found) throw new Error("no such span");
    return found;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #take(path: string, body: unknown): void {
    if (path === "/v1/traces") for (const group of (body as Traces).resourceSpans) this.#takeSpans(group);
    if (path === "/v1/logs") for (const group of (body as Logs).resourceLogs) this.#takeLogs(group);
    if (path === "/v1/metrics") for (const group of (body as Metrics).resourceMetrics) this.#takeMetrics(group);
  }

  #takeSpans({ resource, scopeSpans }: Traces["resourceSpans"][number]): void {
    Object.assign(this.resource, flat(resource.attributes));
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      this.spans.push({
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        kind: span.kind,
        status: span.status?.code ?? 0,
        attributes: flat(span.attributes),
        links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
      });
    }
  }

  #takeLogs({ resource, scopeLogs }: Logs["resourceLogs"][number]): void {
    Object.assign(this.resource, flat(resource.attributes));
    for (const record of scopeLogs.flatMap(({ logRecords }) => logRecords)) {
      this.logs.push({
        eventName: record.eventName,
        body: record.body.stringValue,
        timeMs: Number(BigInt(record.timeUnixNano) / 1_000_000n),
        severity: record.severityText,
        traceId: record.traceId ?? "",
        spanId: record.spanId ?? "",
        attributes: flat(record.attributes),
      });
    }
  }

  #takeMetrics({ scopeMetrics }: Metrics["resourceMetrics"][number]): void {
    for (const { name, sum, gauge } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      for (const { attributes, asDouble, asInt } of (sum ?? gauge)?.dataPoints ?? []) {
        const labels = Object.values(flat(attributes)).join(" ");
        this.series.set(`${name} ${labels}`.trim(), asDouble ?? Number(asInt));
      }
    }
  }
}

type Attributes = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

interface Traces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly kind: number;
        readonly status?: { readonly code?: number };
        readonly attributes: Attributes;
        readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
      }[];
    }[];
  }[];
}

interface Logs {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeLogs: readonly {
      readonly logRecords: readonly {
        readonly eventName: string;
        readonly body: { readonly stringValue: string };
        readonly timeUnixNano: string;
        readonly severityText: string;
        readonly traceId?: string;
        readonly spanId?: string;
        readonly attributes: Attributes;
      }[];
    }[];
  }[];
}

interface Points {
  readonly dataPoints: readonly {
    readonly attributes: Attributes;
    readonly asDouble?: number;
    readonly asInt?: string;
  }[];
}

interface Metrics {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly { readonly name: string; readonly sum?: Points; readonly gauge?: Points }[];
    }[];
  }[];
}

function flat(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [only] = Object.values(value);
      return [key, "intValue" in value ? Number(only) : only];
    }),
  );
}
