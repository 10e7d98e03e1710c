import { describe, expect, it } from "vitest";
import { modelOf, nano } from "../../support/policy-words.js";
import type { StageOf } from "./stage-of.js";

const MOST = Number.MAX_SAFE_INTEGER;
const NAME = "organization.input_tokens_per_month";
const free = modelOf("free-1", { names: ["free-1", "small"], rates: { inputToken: nano(0), outputToken: nano(0) } });
const models = [free];

/** Cases on amounts up to 2^53-1. */
export function amounts(stageOf: StageOf): void {
  describe("amounts", () => {
    it("are exact up to 2^53-1", async () => {
      const stage = await stageOf({ models, limits: { [NAME]: MOST } });
      const large = await stage.admit({ input: MOST - 1 });
      expect(await stage.counted()).toEqual({ [NAME]: `0+${MOST - 1}` });
      await stage.refuse({ input: 2 });
      await stage.admit({ input: 1 });
      expect(await stage.counted()).toEqual({ [NAME]: `0+${MOST}` });
      await stage.refuse({ input: 1 });
      await stage.record({ reservation: large.grant.reservationId, usage: { inputTokens: MOST - 3 } });
      expect(await stage.counted()).toEqual({ [NAME]: `${MOST - 3}+1` });
      await stage.admit({ input: 2 });
      await stage.refuse({ input: 1 });
    });

    it("are exact in money, too", async () => {
      const dear = modelOf("dear-1", {
        names: ["small"],
        rates: { inputToken: nano(1_000_000_007), outputToken: nano(1) },
      });
      const stage = await stageOf({ models: [dear], limits: { "organization.usd_per_month": MOST } });
      const input = Math.floor(MOST / 1_000_000_007);
      const rest = MOST - input * 1_000_000_007;
      const { grant } = await stage.admit({ input, output: rest });
      expect(grant.cost).toBe(MOST);
      await stage.refuse({ input: 0, output: 1 });
    });

    it.each(["second", "minute", "day", "month"])(
      "that pass 2^53-1 together in a %s are shown as that",
      async (window) => {
        const name = `organization.input_tokens_per_${window}`;
        const stage = await stageOf({ models, limits: { [name]: { ceiling: MOST, shadow: true } } });
        await stage.admit({ input: MOST });
        await stage.admit({ input: MOST });
        const { grant } = await stage.admit({ input: 5 });
        expect(await stage.counted()).toEqual({ [name]: `0+${MOST}` });
        expect(grant.shadowDenials).toEqual([name]);
      },
    );

    it.each(["second", "minute", "day", "month"])(
      "that passed 2^53-1 in a %s are right again once below",
      async (window) => {
        const name = `organization.input_tokens_per_${window}`;
        const stage = await stageOf({ models, limits: { [name]: { ceiling: MOST, shadow: true } } });
        const one = await stage.admit({ input: MOST });
        const two = await stage.admit({ input: MOST });
        const three = await stage.admit({ input: 5 });
        await stage.release(one.grant.reservationId);
        expect(await stage.counted()).toEqual({ [name]: `0+${MOST}` });
        await stage.record({ reservation: two.grant.reservationId, usage: { inputTokens: 3 } });
        expect(await stage.counted()).toEqual({ [name]: "3+5" });
        await stage.release(three.grant.reservationId);
        expect(await stage.counted()).toEqual({ [name]: "3+0" });
      },
    );

    it("that passed 2^53-1 used are corrected by what was charged at expiry", async () => {
      const name = "organization.input_tokens_per_month";
      const stage = await stageOf({ models, limits: { [name]: { ceiling: MOST, shadow: true } } });
      const one = await stage.admit({ input: MOST });
      const two = await stage.admit({ input: MOST - 2 });
      stage.clock.moveTo(one.grant.expiresAt);
      await stage.charge({ request: "r-1", amounts: { inputTokens: 9 } });
      expect(await stage.counted()).toEqual({ [name]: `${MOST}+0` });
      await stage.record({ reservation: one.grant.reservationId, usage: { inputTokens: 1 } });
      await stage.record({ reservation: two.grant.reservationId, usage: { inputTokens: 1 } });
      expect(await stage.counted()).toEqual({ [name]: "11+0" });
    });
  });
}
