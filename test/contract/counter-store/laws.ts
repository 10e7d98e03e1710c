import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Model } from "./model.js";
import { compare, play } from "./play.js";
import type { StageOf } from "./stage-of.js";
import { policy, start, step, WHO } from "./steps.js";

const DAY_MS = 86_400_000;

/** What holds whatever happens, and in whatever order. */
export function laws(stageOf: StageOf, runs: number): void {
  describe("whatever happens", () => {
    it("every answer and every reading is the model's: nothing passes a ceiling, no charge is lost", async () => {
      const property = fc.asyncProperty(
        start,
        policy,
        fc.array(step, { minLength: 10, maxLength: 60 }),
        async (at, first, steps) => {
          const stage = await stageOf(first, at);
          try {
            const model = new Model();
            for (const one of steps) {
              await play(stage, model, one);
              await compare(stage, model);
            }
          } finally {
            await stage.close();
          }
        },
      );
      await fc.assert(property, { numRuns: runs, seed: 2026 });
    });

    it("a refused call passes at the instant it was told, and not a millisecond before", async () => {
      let refusals = 0;
      const property = fc.asyncProperty(
        start,
        policy,
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.nat({ max: WHO.length - 1 }),
        async (at, first, steps, who) => {
          const stage = await stageOf(first, at);
          try {
            const model = new Model();
            for (const one of steps) await play(stage, model, one);
            const ask = { ...WHO[who], input: 20, output: 10, dryRun: true };
            const refused = await stage.reserve(ask);
            if (refused.kind !== "refused") return;
            refusals++;
            const firm = stage.caller(ask).standing.counted.map(({ shadow }) => !shadow);
            const frees = refused.readings.filter(({ refuses }, i) => refuses && firm[i]).map(({ freesAt }) => freesAt);
            const now = stage.clock.now();
            const last = Math.max(...frees.map((freesAt) => freesAt ?? now + 400 * DAY_MS));
            stage.clock.moveTo(last - 1);
            expect((await stage.reserve(ask)).kind).toBe("refused");
            stage.clock.moveTo(last);
            expect((await stage.reserve(ask)).kind).toBe(frees.includes(undefined) ? "refused" : "would_admit");
          } finally {
            await stage.close();
          }
        },
      );
      await fc.assert(property, { numRuns: runs, seed: 2027 });
      expect(refusals).toBeGreaterThan(runs / 4);
    });

    it.each([
      ["second", 1_000, 100],
      ["minute", 60_000, 6_000],
    ] as const)(
      "the charges of the last %s never exceed its ceiling, and none counts for longer than 1.1 of it",
      async (window, lengthMs, stepMs) => {
        const CEILING = 20;
        const limits = { [`organization.tokens_per_${window}`]: CEILING };
        const arrival = fc.record({
          afterMs: fc.nat({ max: 4 * stepMs }),
          input: fc.integer({ min: 1, max: 8 }),
          settles: fc.boolean(),
        });
        const property = fc.asyncProperty(fc.array(arrival, { minLength: 5, maxLength: 60 }), async (arrivals) => {
          const stage = await stageOf({ limits });
          try {
            const admitted: { readonly at: number; readonly input: number }[] = [];
            for (const { afterMs, input, settles } of arrivals) {
              stage.clock.advance(afterMs);
              const at = stage.clock.now();
              const since = (span: number) =>
                admitted.filter((charge) => charge.at > at - span).reduce((sum, charge) => sum + charge.input, 0);
              const result = await stage.reserve({ input });
              if (result.kind === "admitted") {
                admitted.push({ at, input });
                if (settles) await stage.record({ reservation: result.grant.reservationId });
                expect(since(lengthMs)).toBeLessThanOrEqual(CEILING);
              } else {
                expect(since(1.1 * lengthMs) + input).toBeGreaterThan(CEILING);
              }
            }
          } finally {
            await stage.close();
          }
        });
        await fc.assert(property, { numRuns: runs, seed: 2028 });
      },
    );
  });
}
