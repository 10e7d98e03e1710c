import { expect, it } from "vitest";
import { ALLOWED, open, read } from "./opened-metrics.js";
import { sampleOf, select } from "./prometheus-text.js";

const NAME = "windbreak_shadow_denials_total";

it("limits in shadow are counted by what they would have denied, and those of principals by their keys", async () => {
  const metrics = open();
  const limits = ["workspaces.dev.usd_per_day", "principals.a.b.usd_per_day"];
  metrics.decided({ ...ALLOWED, shadowDenials: limits });
  metrics.decided({ ...ALLOWED, shadowDenials: ["principals.c.usd_per_day"], reason: "rate_limited" });
  metrics.decided({ ...ALLOWED, shadowDenials: [] });
  metrics.decided({ ...ALLOWED, shadowDenials: limits, dryRun: true });
  expect(select(await read(metrics), NAME).map(({ labels, value }) => [labels["limit"], value])).toEqual([
    ["workspaces.dev.usd_per_day", 1],
    ["principals.*.usd_per_day", 2],
  ]);
});

it("limits in shadow beyond what is told apart are counted as one", async () => {
  const metrics = open({}, { maxSeries: 3 });
  for (let id = 0; id < 9; id++) metrics.decided({ ...ALLOWED, shadowDenials: [`workspaces.w${id}.usd_per_day`] });
  const found = await read(metrics);
  expect(select(found, NAME)).toHaveLength(4);
  expect(sampleOf(found, NAME, { limit: "other" })).toBe(6);
});
