import type { MetricData } from "@opentelemetry/sdk-metrics";
import type { DecisionTally, SettlementTally } from "../app/decision-log.js";
import { REASONS, type Reason } from "../domain/reason.js";
import { DEFINITIONS } from "./definitions.js";
import { DurationHistogram } from "./duration-histogram.js";
import { LabelledCounts } from "./labelled-counts.js";
import { histogram, type Sample, type Span, singular } from "./points.js";
import { ShadowCounts } from "./shadow-counts.js";

/** In place of a name that the policy or the catalogue does not know. */
const UNKNOWN = "unknown";

/** From a decision in memory to one that waited for a store on another machine, and beyond its timeout. */
const BOUNDS_SECONDS = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
];

const REASON_COLUMN: ReadonlyMap<Reason, number> = new Map(REASONS.map((reason, column) => [reason, column]));

const RESERVED = 0;
const UNRESERVED = 1;
const INPUT_TOKENS = 2;
const OUTPUT_TOKENS = 3;
const COST = 4;
const SETTLEMENT_COLUMNS = 5;

const NANO_USD = 1e9;

/** Counts decisions and settlements in memory: an exporter is fed at a scrape only, never by a decision. */
export class DecisionCounts {
  readonly #decisions: LabelledCounts;
  readonly #dryRuns: LabelledCounts;
  readonly #settlements: LabelledCounts;
  readonly #shadow: ShadowCounts;
  readonly #durations = new DurationHistogram(BOUNDS_SECONDS);
  #degraded = 0;

  /** @param maxSeries how many series a labelled metric may have beside `other`. */
  constructor(maxSeries: number) {
    this.#decisions = new LabelledCounts(REASONS.length, maxSeries);
    this.#dryRuns = new LabelledCounts(REASONS.length, maxSeries);
    this.#settlements = new LabelledCounts(SETTLEMENT_COLUMNS, maxSeries);
    this.#shadow = new ShadowCounts(maxSeries);
  }

  decided(decision: DecisionTally): void {
    const table = decision.dryRun ? this.#dryRuns : this.#decisions;
    const row = table.row(decision.workspace ?? UNKNOWN, decision.model ?? UNKNOWN);
    const column = REASON_COLUMN.get(decision.reason);
    if (column !== undefined) table.add(row, column, 1);
    if (decision.degraded) this.#degraded += 1;
    if (decision.shadowDenials && !decision.dryRun) this.#shadow.add(decision.shadowDenials);
  }

  settled({ workspace, model, amounts, unreserved }: SettlementTally): void {
    const table = this.#settlements;
    const row = table.row(workspace, model);
    table.add(row, unreserved ? UNRESERVED : RESERVED, 1);
    table.add(row, INPUT_TOKENS, amounts.inputTokens);
    table.add(row, OUTPUT_TOKENS, amounts.outputTokens);
    table.add(row, COST, amounts.cost);
  }

  /** Count how long a decision took, in seconds. */
  observe(seconds: number): void {
    this.#durations.observe(seconds);
  }

  /** Everything counted so far, for an exporter. */
  metrics(span: Span): MetricData[] {
    const settled = (column: number, unit = 1) => byModel(this.#settlements, column, unit);
    return [
      singular(DEFINITIONS.decisions, byReason(this.#decisions), span),
      singular(DEFINITIONS.dryRuns, byReason(this.#dryRuns), span),
      singular(DEFINITIONS.degradedDecisions, [{ labels: {}, value: this.#degraded }], span),
      ...this.#shadow.metrics(span),
      histogram(DEFINITIONS.decisionDuration, this.#durations.snapshot(), span),
      singular(DEFINITIONS.settlements, byUnreserved(this.#settlements), span),
      singular(DEFINITIONS.settledInputTokens, settled(INPUT_TOKENS), span),
      singular(DEFINITIONS.settledOutputTokens, settled(OUTPUT_TOKENS), span),
      singular(DEFINITIONS.settledCost, settled(COST, NANO_USD), span),
    ];
  }
}

function* byReason(table: LabelledCounts): Iterable<Sample> {
  for (const { workspace, model, shown, sums } of table.rows()) {
    for (const [column, reason] of REASONS.entries()) {
      if (shown[column] === 1) yield { labels: { reason, model, workspace }, value: sums[column] ?? 0 };
    }
  }
}

function* byUnreserved(table: LabelledCounts): Iterable<Sample> {
  for (const { workspace, model, shown, sums } of table.rows()) {
    for (const column of [RESERVED, UNRESERVED]) {
      const unreserved = String(column === UNRESERVED);
      if (shown[column] === 1) yield { labels: { workspace, model, unreserved }, value: sums[column] ?? 0 };
    }
  }
}

function* byModel(table: LabelledCounts, column: number, unit: number): Iterable<Sample> {
  for (const { workspace, model, shown, sums } of table.rows()) {
    if (shown[column] === 1) yield { labels: { workspace, model }, value: (sums[column] ?? 0) / unit };
  }
}
