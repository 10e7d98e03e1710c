import { describe, expect, it } from "vitest";
import { modelOf, nano, SMALL } from "../../support/policy-words.js";
import type { StageOf } from "./stage-of.js";

const DAY = "roles.developer.tokens_per_day";
const MONTH = "roles.developer.tokens_per_month";

/** Cases on policies that change while calls are open. */
export function reload(stageOf: StageOf): void {
  describe("a reload", () => {
    it("that edits a ceiling keeps what is counted", async () => {
      const stage = await stageOf({ limits: { [DAY]: 10 } });
      const { grant } = await stage.admit({ input: 6 });
      await stage.record({ reservation: grant.reservationId });
      await stage.admit({ input: 4 });
      stage.reload({ limits: { [DAY]: 15 }, revision: "r2" });
      await stage.refuse({ input: 6 });
      await stage.admit({ input: 5 });
      stage.reload({ limits: { [DAY]: 3 }, revision: "r3" });
      expect(await stage.counted()).toEqual({ [DAY]: "6+9" });
      await stage.refuse({ input: 0 });
    });

    it("that removes a limit keeps what it counted for when it comes back", async () => {
      const stage = await stageOf({ limits: { [DAY]: 10, [MONTH]: 100 } });
      const { grant } = await stage.admit({ input: 6 });
      await stage.admit({ input: 1 });
      stage.reload({ limits: { [MONTH]: 100 } });
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 5 } });
      await stage.admit({ input: 2 });
      stage.reload({ limits: { [DAY]: 10, [MONTH]: 100 } });
      expect(await stage.counted()).toEqual({ [DAY]: "5+1", [MONTH]: "5+3" });
    });

    it("that adds a limit starts it at zero, and it does not see what is open or how that is settled", async () => {
      const stage = await stageOf({ limits: { [DAY]: 10 } });
      const { grant } = await stage.admit({ input: 6 });
      const expiring = await stage.admit({ input: 1 });
      stage.reload({ limits: { [DAY]: 10, [MONTH]: 10, "roles.developer.concurrent_requests": 1 } });
      expect(Object.values(await stage.counted())).toEqual(["0+7", "0+0", "0+0"]);
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 9 } });
      stage.clock.moveTo(expiring.grant.expiresAt);
      expect(Object.values(await stage.counted())).toEqual(["10+0", "0+0", "0+0"]);
    });

    it("does not move a reservation to other counters, whatever role or workspace its caller has now", async () => {
      const limits = { "roles.developer.tokens_per_day": 50, "roles.analyst.tokens_per_day": 50 };
      const stage = await stageOf({ limits, principals: { ann: { role: "developer" } } });
      const { grant } = await stage.admit({ input: 10 });
      stage.reload({ limits, principals: { ann: { role: "analyst" } } });
      const settled = await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 7 } });
      expect(settled.caller).toEqual({ principal: "ann", role: "developer", workspace: "dev" });
      expect(await stage.counted({ as: "ann", role: "analyst" })).toEqual({ "roles.analyst.tokens_per_day": "0+0" });
      expect(await stage.counted({ as: "ann", role: "developer" })).toEqual({
        "roles.developer.tokens_per_day": "7+0",
      });
    });

    it("that no longer knows a call's role or workspace does not keep it from being settled", async () => {
      const limits = { "roles.intern.tokens_per_day": 50, "workspaces.lab.requests_per_day": 50 };
      const stage = await stageOf({ limits });
      const who = { as: "eve", role: "intern", workspace: "lab" };
      const one = await stage.admit({ ...who, input: 10, id: "job-1" });
      const two = await stage.admit({ ...who, input: 10 });
      stage.reload({});
      const usage = { inputTokens: 3 };
      expect(await stage.record({ ...who, request: "job-1", usage })).toMatchObject({ cost: 6, unreserved: false });
      expect(await stage.open()).toMatchObject([{ reservationId: two.grant.reservationId, role: "intern" }]);
      stage.clock.moveTo(one.grant.expiresAt);
      stage.reload({ limits });
      expect(await stage.counted(who)).toEqual({
        "workspaces.lab.requests_per_day": "2+0",
        "roles.intern.tokens_per_day": "13+0",
      });
    });

    it("does not change a reservation's price, model or end", async () => {
      const USD = "roles.developer.usd_per_day";
      const stage = await stageOf({ limits: { [USD]: 1000 } });
      const { grant } = await stage.admit({ input: 10, id: "job-1" });
      const dearer = modelOf("small-2", {
        names: ["small-2", "small"],
        rates: { inputToken: nano(50), outputToken: nano(50) },
      });
      const dev = { reservationTtlMs: 1_000, unsettled: "release" as const };
      stage.reload({ limits: { [USD]: 1000 }, models: [SMALL, dearer], workspaces: { dev } });
      stage.clock.moveTo(grant.expiresAt - 1);
      expect(await stage.counted()).toEqual({ [USD]: "0+20" });
      const settled = await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 4 } });
      expect(settled).toMatchObject({ cost: 8, model: "small-1", unreserved: false });
    });

    it("that makes the price of cached tokens another prices the old reservation as before", async () => {
      const USD = "roles.developer.usd_per_day";
      const stage = await stageOf({ limits: { [USD]: 1000 } });
      const { grant } = await stage.admit({ input: 10 });
      stage.reload({
        limits: { [USD]: 1000 },
        workspaces: { dev: { priceFactor: { numerator: 10n, denominator: 1n } } },
      });
      expect(await stage.admit({ input: 10 })).toMatchObject({ grant: { cost: 200 } });
      const usage = { inputTokens: 10, cachedInputTokens: 10 };
      expect(await stage.record({ reservation: grant.reservationId, usage })).toMatchObject({ cost: 10 });
    });
  });
}
