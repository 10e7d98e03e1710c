import { type HrTime, ValueType } from "@opentelemetry/api";
import { AggregationTemporality, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import type { EpochMs } from "../domain/units.js";
import type { Definition } from "./definitions.js";
import type { HistogramSnapshot } from "./duration-histogram.js";

/** One series' value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Since when counters count, and when they were read. */
export interface Span {
  readonly start: EpochMs;
  readonly end: EpochMs;
}

/** A counter or gauge with its samples, as OpenTelemetry's exporters take it. */
export function singular(definition: Definition, samples: Iterable<Sample>, span: Span): MetricData {
  const { startTime, endTime } = times(span);
  const dataPoints = Array.from(samples, ({ labels, value }) => ({ startTime, endTime, attributes: labels, value }));
  const base = { ...baseOf(definition), dataPoints };
  return definition.kind === "counter"
    ? { ...base, dataPointType: DataPointType.SUM, isMonotonic: true }
    : { ...base, dataPointType: DataPointType.GAUGE };
}

/** A histogram without labels, as OpenTelemetry's exporters take it: they add up its buckets themselves. */
export function histogram(definition: Definition, snapshot: HistogramSnapshot, span: Span): MetricData {
  const value = {
    buckets: { boundaries: [...snapshot.bounds], counts: [...snapshot.counts] },
    sum: snapshot.sumSeconds,
    count: snapshot.count,
  };
  const dataPoints = [{ ...times(span), attributes: {}, value }];
  return { ...baseOf(definition), dataPointType: DataPointType.HISTOGRAM, dataPoints };
}

function baseOf({ name, help }: Definition) {
  return {
    descriptor: { name, description: help, unit: "", valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
}

function times({ start, end }: Span): { startTime: HrTime; endTime: HrTime } {
  return { startTime: hrTime(start), endTime: hrTime(end) };
}

function hrTime(at: EpochMs): HrTime {
  const seconds = Math.floor(at / 1000);
  return [seconds, Math.round((at - seconds * 1000) * 1e6)];
}
