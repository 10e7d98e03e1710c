import { expect, it } from "vitest";
import { DISTRUSTS } from "../../../src/domain/distrust.js";
import { open, read } from "./opened-metrics.js";
import { sampleOf, select } from "./prometheus-text.js";

const NAME = "windbreak_unauthenticated_total";

it("strangers are counted by door and why, and every why that can be is there from the start", async () => {
  const metrics = open();
  const before = select(await read(metrics), NAME);
  expect(before.filter(({ labels }) => labels["door"] === "grpc").map(({ labels }) => labels["why"])).toEqual([
    ...DISTRUSTS,
  ]);
  expect(before.every(({ value }) => value === 0)).toBe(true);

  metrics.turnedAway("grpc", "wrong_key");
  metrics.turnedAway("grpc", "wrong_key");
  metrics.turnedAway("envoy", "wrong_key");
  metrics.turnedAway("admin", "missing");
  const found = await read(metrics);
  expect(sampleOf(found, NAME, { door: "grpc", why: "wrong_key" })).toBe(2);
  expect(sampleOf(found, NAME, { door: "envoy", why: "wrong_key" })).toBe(1);
  expect(sampleOf(found, NAME, { door: "admin", why: "missing" })).toBe(1);
  expect(select(found, NAME)).toHaveLength(before.length);
});
