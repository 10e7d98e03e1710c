import { describe, expect, it } from "vitest";
import { REASONS } from "../../../src/domain/reason.js";
import { ALLOWED, open, read, SETTLED } from "./opened-metrics.js";
import { sampleOf, select } from "./prometheus-text.js";

describe("decisions", () => {
  it("are counted by reason, model and workspace", async () => {
    const metrics = open();
    metrics.decided(ALLOWED);
    metrics.decided(ALLOWED);
    metrics.decided({ ...ALLOWED, reason: "rate_limited" });
    metrics.decided({ ...ALLOWED, workspace: "prod" });
    const found = await read(metrics);
    const labels = { model: "mistral-small-2603", workspace: "dev" };
    expect(select(found, "windbreak_decisions_total")).toEqual([
      { name: "windbreak_decisions_total", labels: { ...labels, reason: "allowed" }, value: 2 },
      { name: "windbreak_decisions_total", labels: { ...labels, reason: "rate_limited" }, value: 1 },
      { name: "windbreak_decisions_total", labels: { ...labels, workspace: "prod", reason: "allowed" }, value: 1 },
    ]);
  });

  it("name every reason as the policy's words do", async () => {
    const metrics = open();
    for (const reason of REASONS) metrics.decided({ ...ALLOWED, reason });
    const found = select(await read(metrics), "windbreak_decisions_total");
    expect(found.map(({ labels }) => labels["reason"])).toEqual([...REASONS]);
  });

  it("show a workspace or model that is not known as unknown", async () => {
    const metrics = open();
    metrics.decided({ ...ALLOWED, reason: "unknown_workspace", workspace: undefined, model: undefined });
    const labels = { reason: "unknown_workspace", workspace: "unknown", model: "unknown" };
    expect(sampleOf(await read(metrics), "windbreak_decisions_total", labels)).toBe(1);
  });

  it("are counted apart where they were dry runs", async () => {
    const metrics = open();
    metrics.decided({ ...ALLOWED, dryRun: true });
    const found = await read(metrics);
    expect(select(found, "windbreak_decisions_total")).toEqual([]);
    expect(sampleOf(found, "windbreak_dry_runs_total", { reason: "allowed", workspace: "dev" })).toBe(1);
  });

  it("are counted once more where the store was away", async () => {
    const metrics = open();
    metrics.decided({ ...ALLOWED, degraded: true });
    metrics.decided(ALLOWED);
    expect(sampleOf(await read(metrics), "windbreak_degraded_decisions_total")).toBe(1);
  });

  it("never go back from scrape to scrape", async () => {
    const metrics = open();
    metrics.decided(ALLOWED);
    expect(sampleOf(await read(metrics), "windbreak_decisions_total")).toBe(1);
    metrics.decided(ALLOWED);
    expect(sampleOf(await read(metrics), "windbreak_decisions_total")).toBe(2);
  });

  it("keep to a bounded number of series under hostile names, and lose none", async () => {
    const metrics = open({}, { maxSeries: 50 });
    metrics.decided(ALLOWED);
    for (let name = 0; name < 2_000; name += 1) {
      metrics.decided({ ...ALLOWED, workspace: `w${name}`, model: `m${name}`, reason: "model_unknown" });
    }
    metrics.decided(ALLOWED);
    const found = select(await read(metrics), "windbreak_decisions_total");
    expect(found.length).toBe(51);
    expect(found.reduce((total, { value }) => total + value, 0)).toBe(2_002);
    expect(found.find(({ labels }) => labels["workspace"] === "dev")?.value).toBe(2);
    expect(found.find(({ labels }) => labels["workspace"] === "other")).toMatchObject({
      labels: { model: "other", reason: "model_unknown" },
      value: 2_000 - 49,
    });
  });

  it("cannot break out of their labels", async () => {
    const metrics = open();
    const hostile = 'a"} 1\nwindbreak_build_info{version="\\evil';
    metrics.decided({ ...ALLOWED, model: hostile });
    const found = await read(metrics);
    expect(select(found, "windbreak_decisions_total").map(({ labels }) => labels["model"])).toEqual([hostile]);
    expect(select(found, "windbreak_build_info").length).toBe(1);
  });
});

describe("the decision's duration", () => {
  it("fills cumulative buckets from 10 microseconds to 100 milliseconds", async () => {
    const metrics = open();
    for (const seconds of [0.000009, 0.00001, 0.00003, 0.002, 0.1, 0.5]) metrics.observe(seconds);
    const buckets = select(await read(metrics), "windbreak_decision_duration_seconds_bucket");
    expect(buckets.map(({ labels, value }) => [labels["le"], value])).toEqual([
      ["0.00001", 2],
      ["0.000025", 2],
      ["0.00005", 3],
      ["0.0001", 3],
      ["0.00025", 3],
      ["0.0005", 3],
      ["0.001", 3],
      ["0.0025", 4],
      ["0.005", 4],
      ["0.01", 4],
      ["0.025", 4],
      ["0.05", 4],
      ["0.1", 5],
      ["+Inf", 6],
    ]);
  });

  it("tells count and sum, and is typed as a histogram", async () => {
    const metrics = open();
    metrics.observe(0.25);
    metrics.observe(0.5);
    const found = await read(metrics);
    expect(sampleOf(found, "windbreak_decision_duration_seconds_count")).toBe(2);
    expect(sampleOf(found, "windbreak_decision_duration_seconds_sum")).toBe(0.75);
    expect(found.types.get("windbreak_decision_duration_seconds")).toBe("histogram");
  });
});

describe("settlements", () => {
  it("are counted with their tokens and their cost in USD", async () => {
    const metrics = open();
    metrics.settled(SETTLED);
    metrics.settled({ ...SETTLED, unreserved: true });
    const found = await read(metrics);
    const labels = { workspace: "dev", model: "mistral-small-2603" };
    expect(sampleOf(found, "windbreak_settlements_total", { ...labels, unreserved: "false" })).toBe(1);
    expect(sampleOf(found, "windbreak_settlements_total", { ...labels, unreserved: "true" })).toBe(1);
    expect(sampleOf(found, "windbreak_settled_input_tokens_total", labels)).toBe(200);
    expect(sampleOf(found, "windbreak_settled_output_tokens_total", labels)).toBe(40);
    expect(sampleOf(found, "windbreak_settled_cost_usd_total", labels)).toBe(0.000054);
  });

  it("of nothing are shown as 0, not left out", async () => {
    const metrics = open();
    metrics.settled({ ...SETTLED, amounts: { inputTokens: 0, outputTokens: 0, cost: 0 } });
    const found = await read(metrics);
    expect(sampleOf(found, "windbreak_settlements_total")).toBe(1);
    expect(sampleOf(found, "windbreak_settled_cost_usd_total")).toBe(0);
  });
});
