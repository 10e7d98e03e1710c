import { describe, expect, it } from "vitest";
import type { StageOf } from "./stage-of.js";

const SHADOW = "roles.developer.tokens_per_day";
const FIRM = "roles.developer.requests_per_day";

/** Cases on limits that only watch. */
export function shadow(stageOf: StageOf): void {
  describe("a limit in shadow", () => {
    it("passes its ceiling, counts on, and is named each time", async () => {
      const stage = await stageOf({ limits: { [SHADOW]: { ceiling: 5, shadow: true } } });
      const first = await stage.admit({ input: 5 });
      const second = await stage.admit({ input: 1 });
      expect(first.grant.shadowDenials).toEqual([]);
      expect(second.grant.shadowDenials).toEqual([SHADOW]);
      await stage.record({ reservation: second.grant.reservationId, usage: { inputTokens: 3 } });
      expect(await stage.counted()).toEqual({ [SHADOW]: "3+5" });
    });

    it("of 0 is named and does not refuse", async () => {
      const stage = await stageOf({ limits: { [SHADOW]: { ceiling: 0, shadow: true } } });
      expect((await stage.admit({ input: 0 })).grant.shadowDenials).toEqual([SHADOW]);
    });

    it("is named after the per-request ones, in the policy's order, on admission, refusal and dry run", async () => {
      const limits = {
        "organization.usd_per_month": { ceiling: 1, shadow: true },
        [SHADOW]: { ceiling: 1, shadow: true },
        [FIRM]: 1,
      };
      const stage = await stageOf({ limits });
      const ask = { input: 2, shadowDenials: ["roles.developer.tokens_per_request"] };
      const names = ["roles.developer.tokens_per_request", "organization.usd_per_month", SHADOW];
      expect(await stage.reserve({ ...ask, dryRun: true })).toMatchObject({
        kind: "would_admit",
        shadowDenials: names,
      });
      expect((await stage.admit(ask)).grant.shadowDenials).toEqual(names);
      expect((await stage.refuse(ask)).shadowDenials).toEqual(names);
      expect(await stage.reserve({ ...ask, dryRun: true })).toMatchObject({ kind: "refused", shadowDenials: names });
    });

    it("says in the readings of a refusal that it would refuse, and when it would free", async () => {
      const stage = await stageOf({ limits: { [SHADOW]: { ceiling: 5, shadow: true }, [FIRM]: 1 } });
      await stage.admit({ input: 5 });
      const { limits } = await stage.refuse({ input: 1 });
      expect(limits[SHADOW]).toMatchObject({ refuses: true, freesAt: Date.parse("2026-03-11T00:00:00Z") });
    });

    it("is named again in the answer to a repeat, as it was at first", async () => {
      const stage = await stageOf({ limits: { [SHADOW]: { ceiling: 5, shadow: true } } });
      const over = await stage.admit({ input: 6, id: "over" });
      const within = await stage.admit({ input: 0, id: "within", shadowDenials: ["x"] });
      await stage.admit({ input: 50 });
      expect((await stage.admit({ input: 6, id: "over" })).grant).toEqual(over.grant);
      expect((await stage.admit({ input: 0, id: "within" })).grant).toEqual(within.grant);
      expect(over.grant.shadowDenials).toEqual([SHADOW]);
    });

    it("that is made firm sees what it had counted", async () => {
      const stage = await stageOf({ limits: { [SHADOW]: { ceiling: 5, shadow: true } } });
      await stage.admit({ input: 7 });
      stage.reload({ limits: { [SHADOW]: 10 } });
      await stage.refuse({ input: 4 });
      await stage.admit({ input: 3 });
    });
  });
}
