import { expect, it } from "vitest";
import { RotationFacts } from "../../../src/telemetry/rotation-facts.js";
import { open, read } from "./opened-metrics.js";
import { sampleOf, select } from "./prometheus-text.js";

/** What the metrics of these tests have for now. */
const NOW = Date.UTC(2026, 10, 22, 12);

it("shows how rotations ended, how old keys are, and what their rotations wait in", async () => {
  const rotations = new RotationFacts();
  rotations.made("dev", NOW - 3_600_000);
  rotations.waits("dev", "retire");
  rotations.waits("ml", "propagate");
  rotations.waits("ml", undefined);
  rotations.add("done");
  const found = await read(open({ rotations: () => rotations }));
  expect(sampleOf(found, "windbreak_key_rotations_total", { outcome: "done" })).toBe(1);
  expect(sampleOf(found, "windbreak_key_rotations_total", { outcome: "stuck" })).toBe(0);
  expect(select(found, "windbreak_key_age_seconds")).toMatchObject([{ labels: { workspace: "dev" }, value: 3_600 }]);
  expect(select(found, "windbreak_key_rotation_waiting")).toMatchObject([
    { labels: { workspace: "dev", step: "retire" }, value: 1 },
  ]);
});
