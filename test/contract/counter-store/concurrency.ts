import { describe, expect, it } from "vitest";
import type { StageOf } from "./stage-of.js";

const NAME = "roles.developer.concurrent_requests";
const limits = { [NAME]: 2 };

/** Cases on what is in flight. */
export function concurrency(stageOf: StageOf): void {
  describe("concurrent_requests", () => {
    it("counts open reservations as reserved, uses nothing, and never resets", async () => {
      const stage = await stageOf({ limits });
      await stage.admit({ input: 500 });
      await stage.admit({ input: 0 });
      expect(await stage.read()).toEqual({
        [NAME]: { used: 0, reserved: 2, resetsAt: undefined, refuses: false, freesAt: undefined },
      });
      await stage.refuse();
    });

    it.each(["succeeded", "failed", "cancelled"] as const)(
      "goes back when a call is settled as %s",
      async (outcome) => {
        const stage = await stageOf({ limits });
        const { grant } = await stage.admit();
        await stage.admit();
        await stage.record({ reservation: grant.reservationId, outcome });
        expect(await stage.counted()).toEqual({ [NAME]: "0+1" });
        await stage.record({ reservation: grant.reservationId, outcome });
        expect(await stage.counted()).toEqual({ [NAME]: "0+1" });
      },
    );

    it.each([true, false])("goes back when a call is released, forgotten or not (%s)", async (forget) => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit();
      await stage.admit();
      await stage.release(grant.reservationId, forget);
      expect(await stage.counted()).toEqual({ [NAME]: "0+1" });
    });

    it.each(["charge", "release"] as const)(
      "goes back at expiry under %s, and a late settlement changes nothing",
      async (unsettled) => {
        const stage = await stageOf({ limits, workspaces: { dev: { unsettled } } });
        const { grant } = await stage.admit();
        stage.clock.moveTo(grant.expiresAt - 1);
        expect(await stage.counted()).toEqual({ [NAME]: "0+1" });
        stage.clock.moveTo(grant.expiresAt);
        expect(await stage.counted()).toEqual({ [NAME]: "0+0" });
        await stage.admit();
        await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 1 } });
        expect(await stage.counted()).toEqual({ [NAME]: "0+1" });
      },
    );

    it("frees when so many have expired that one more fits", async () => {
      const stage = await stageOf({ limits: { [NAME]: 3 } });
      await stage.admit();
      stage.clock.advance(450_000);
      const second = await stage.admit();
      await stage.admit();
      const refused = await stage.refuse();
      expect(refused.limits[NAME]?.freesAt).toBe(second.grant.expiresAt - 450_000);
      stage.reload({ limits });
      expect((await stage.refuse()).limits[NAME]?.freesAt).toBe(second.grant.expiresAt);
    });

    it("is not what usage without a reservation counts in", async () => {
      const stage = await stageOf({ limits });
      await stage.charge({ request: "r-1", amounts: { inputTokens: 5 } });
      expect(await stage.counted()).toEqual({ [NAME]: "0+0" });
    });

    it("knows no windows: it counts on over the end of a month", async () => {
      const stage = await stageOf({ limits }, "2026-03-31T23:59:59Z");
      await stage.admit();
      stage.clock.advance(1_000);
      expect(await stage.counted()).toEqual({ [NAME]: "0+1" });
    });
  });
}
