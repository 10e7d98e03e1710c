import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DEFINITIONS } from "../../../src/telemetry/definitions.js";

const DEPLOY = join(import.meta.dirname, "../../../deploy");
const READS: Readonly<Record<"counter" | "gauge" | "histogram", readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
};
const SHOWN = new Set(Object.values(DEFINITIONS).flatMap(({ name, kind }) => READS[kind].map((end) => name + end)));

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly remedy: string };
}

function rules(): readonly Rule[] {
  const { groups } = parse(readFileSync(join(DEPLOY, "prometheus/windbreak.rules.yaml"), "utf8"));
  return groups.flatMap(({ rules: some }: { readonly rules: readonly Rule[] }) => some);
}

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(
  readFileSync(join(DEPLOY, "grafana/windbreak.json"), "utf8"),
);

const metricsIn = (expr: string) => expr.match(/\b(?:windbreak|process)_[a-z_]+/g) ?? [];

describe("alert rules for Prometheus", () => {
  it.each(rules().map(({ alert, expr }) => [alert, expr]))("%s asks for metrics that there are", (_, expr) => {
    const metrics = metricsIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics) expect(SHOWN).toContain(metric);
  });

  it("say each how bad it is, what happened and what to do", () => {
    for (const { labels, annotations } of rules()) {
      expect(["warning", "critical"]).toContain(labels.severity);
      expect(annotations).toEqual({ summary: expect.stringMatching(/\S/), remedy: expect.stringMatching(/\S/) });
    }
  });
});

describe("the dashboard for Grafana", () => {
  const asked = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

  it.each(asked)("%s asks for metrics that there are", (_, expr) => {
    const metrics = metricsIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics) expect(SHOWN).toContain(metric);
  });

  it("has panels that do not lie on each other", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, nth) => `${x + (nth % w)} ${y + Math.floor(nth / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});
