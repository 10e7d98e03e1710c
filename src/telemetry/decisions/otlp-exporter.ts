import { detectResources, envDetector } from "@opentelemetry/resources";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import { type Named, ownResource } from "../own-resource.js";
import type { LogTarget } from "./otlp-outlet.js";

export type LogsProtocol = "grpc" | "http/json" | "http/protobuf";

/** Make what sends logs to a collector, by OpenTelemetry's own variables; to be loaded by those alone who export logs. */
export async function openLogTarget(protocol: LogsProtocol, named: Named): Promise<LogTarget> {
  return {
    exporter: await exporterFor(protocol),
    resource: ownResource(named).merge(detectResources({ detectors: [envDetector] })),
    scope: { name: "windbreak", version: named.version },
  };
}

async function exporterFor(protocol: LogsProtocol): Promise<LogRecordExporter> {
  switch (protocol) {
    case "grpc":
      return new (await import("@opentelemetry/exporter-logs-otlp-grpc")).OTLPLogExporter();
    case "http/json":
      return new (await import("@opentelemetry/exporter-logs-otlp-http")).OTLPLogExporter();
    case "http/protobuf":
      return new (await import("@opentelemetry/exporter-logs-otlp-proto")).OTLPLogExporter();
  }
}
