import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { emptyResource } from "@opentelemetry/resources";
import type {
  CollectionResult,
  MetricCollectOptions,
  MetricData,
  MetricProducer,
  ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { DecisionLog, DecisionTally, SettlementTally } from "../app/decision-log.js";
import type { Clock, MaybePromise } from "../app/ports.js";
import type { Distrust, Door } from "../domain/distrust.js";
import type { EpochMs } from "../domain/units.js";
import { DecisionCounts } from "./decision-counts.js";
import { DEFINITIONS } from "./definitions.js";
import { EventLoopLag } from "./event-loop-lag.js";
import type { MetricsSource } from "./metrics-source.js";
import { histogram, type Span, singular } from "./points.js";
import { processMetrics } from "./process-facts.js";
import {
  alertMetrics,
  catalogueMetrics,
  decisionLogMetrics,
  limitMetrics,
  peerMetrics,
  pendingMetrics,
  policyMetrics,
  rotationMetrics,
  storeMetrics,
  tlsMetrics,
  within,
} from "./scrape-reads.js";
import { StrangerCounts } from "./stranger-counts.js";

const READS = ["policy", "catalogue", "store", "limits"] as const;
type Read = (typeof READS)[number];

const MAX_SERIES = 10_000;
const READ_TIMEOUT_MS = 3_000;

export interface MetricsOptions {
  readonly version: string;
  readonly clock: Clock;
  readonly source: MetricsSource;
  /** How many series each labelled metric may have beside `other`. */
  readonly maxSeries?: number;
}

/**
 * The service's metrics. Counting is a few additions in memory; all else is done when somebody scrapes.
 *
 * A MetricProducer, so that any OpenTelemetry reader takes it; its resource is empty, so that neither host nor
 * command line is told to whoever scrapes. Holds a timer until it is closed.
 */
export class Metrics implements DecisionLog, MetricProducer {
  readonly #version: string;
  readonly #clock: Clock;
  readonly #source: MetricsSource;
  readonly #maxSeries: number;
  readonly #start: EpochMs;
  readonly #counts: DecisionCounts;
  readonly #strangers = new StrangerCounts();
  readonly #lag = new EventLoopLag();
  readonly #failedReads = new Map<Read, number>(READS.map((read) => [read, 0]));
  #collecting: Promise<CollectionResult> | undefined;

  constructor({ version, clock, source, maxSeries = MAX_SERIES }: MetricsOptions) {
    this.#version = version;
    this.#clock = clock;
    this.#source = source;
    this.#maxSeries = maxSeries;
    this.#start = clock.now();
    this.#counts = new DecisionCounts(maxSeries);
  }

  decided(decision: DecisionTally): void {
    this.#counts.decided(decision);
  }

  settled(settlement: SettlementTally): void {
    this.#counts.settled(settlement);
  }

  /** The store counts its open reservations itself. */
  released(): void {}

  /** Count a call that was refused for who makes it. */
  turnedAway(door: Door, why: Distrust): void {
    this.#strangers.add(door, why);
  }

  /** Count how long a decision took, in seconds. */
  observe(seconds: number): void {
    this.#counts.observe(seconds);
  }

  /**
   * Read everything once. Calls that overlap share one reading, so that many scrapers cost the store no more than one.
   *
   * @returns what could be read, and in `errors` why the rest could not. Never rejects for the source's sake.
   */
  collect(options?: MetricCollectOptions): Promise<CollectionResult> {
    this.#collecting ??= this.#collect(options?.timeoutMillis ?? READ_TIMEOUT_MS).finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  /** Stop sampling. What has been counted can still be read. */
  close(): void {
    this.#lag.close();
  }

  async #collect(timeoutMs: number): Promise<CollectionResult> {
    const errors: Error[] = [];
    const read = async <T>(what: Read, from: () => MaybePromise<T>): Promise<T | undefined> => {
      try {
        return await within(timeoutMs, from);
      } catch (cause) {
        this.#failedReads.set(what, (this.#failedReads.get(what) ?? 0) + 1);
        errors.push(new Error(`metrics: ${what} could not be read; its series have a gap`, { cause }));
        return undefined;
      }
    };
    const [policy, ageDays, stats, limits] = await Promise.all([
      read("policy", () => this.#source.policy()),
      read("catalogue", () => this.#source.catalogueAgeDays()),
      read("store", () => this.#source.stats()),
      read("limits", () => this.#source.limits()),
    ]);
    const span = { start: this.#start, end: this.#clock.now() };
    const metrics = [
      ...this.#counts.metrics(span),
      ...this.#strangers.metrics(span),
      ...storeMetrics(stats, span),
      ...pendingMetrics(this.#source.pending(), span),
      ...limitMetrics(limits, this.#maxSeries, span),
      ...policyMetrics(policy, span),
      ...catalogueMetrics(ageDays, span),
      ...peerMetrics(this.#source.peers?.(), span),
      ...alertMetrics(this.#source.alerts?.(), span),
      ...rotationMetrics(this.#source.rotations?.(), span),
      ...tlsMetrics(this.#source.tls?.(), span),
      ...decisionLogMetrics(this.#source.decisionLog?.(), span),
      ...this.#own(span),
      ...processMetrics(span),
    ];
    const scope = { name: "windbreak", version: this.#version };
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] }, errors };
  }

  #own(span: Span): MetricData[] {
    const failed = Array.from(this.#failedReads, ([read, value]) => ({ labels: { read }, value }));
    return [
      singular(DEFINITIONS.scrapeErrors, failed, span),
      singular(DEFINITIONS.buildInfo, [{ labels: { version: this.#version }, value: 1 }], span),
      histogram(DEFINITIONS.eventLoopLag, this.#lag.snapshot(), span),
    ];
  }
}

/**
 * Give metrics in Prometheus's text format 0.0.4.
 *
 * Not by PrometheusExporter's own handler: that answers 200 with the text of an internal error where a scrape fails.
 *
 * @param report is told why a part could not be read.
 */
export async function scrape(metrics: MetricProducer, report: (fault: unknown) => void): Promise<string> {
  const { resourceMetrics, errors } = await metrics.collect();
  for (const error of errors) report(error);
  return prometheusText(resourceMetrics);
}

function prometheusText(metrics: ResourceMetrics): string {
  const noPrefix = "";
  const noTimestamps = false;
  const noResourceLabels = undefined;
  const withoutTargetInfo = true;
  const withoutScopeInfo = true;
  return new PrometheusSerializer(
    noPrefix,
    noTimestamps,
    noResourceLabels,
    withoutTargetInfo,
    withoutScopeInfo,
  ).serialize(metrics);
}
