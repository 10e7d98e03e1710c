import { performance } from "node:perf_hooks";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import { DEFINITIONS } from "./definitions.js";
import { type Span, singular } from "./points.js";

/** What this process costs its machine. Names no host, user or command line. */
export function processMetrics(span: Span): MetricData[] {
  const { user, system } = process.cpuUsage();
  const one = (value: number) => [{ labels: {}, value }];
  return [
    singular(DEFINITIONS.eventLoopActive, one(performance.eventLoopUtilization().active / 1000), span),
    singular(DEFINITIONS.residentMemory, one(process.memoryUsage.rss()), span),
    singular(DEFINITIONS.cpuSeconds, one((user + system) / 1e6), span),
    singular(DEFINITIONS.startTime, one(performance.timeOrigin / 1000), span),
  ];
}
