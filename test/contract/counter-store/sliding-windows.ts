import { describe, expect, it } from "vitest";
import type { StageOf } from "./stage-of.js";

const WINDOWS = [
  { window: "second", lengthMs: 1_000, stepMs: 100 },
  { window: "minute", lengthMs: 60_000, stepMs: 6_000 },
] as const;

/** Cases on seconds and minutes. */
export function slidingWindows(stageOf: StageOf): void {
  describe.each(WINDOWS)("a sliding $window", ({ window, lengthMs, stepMs }) => {
    const name = `roles.developer.tokens_per_${window}`;
    const limits = { [name]: 10 };

    it.each([0, 1, stepMs / 2, stepMs - 1])(
      "lets a charge go 11 steps after the one it fell in began, %i ms before",
      async (offset) => {
        const stage = await stageOf({ limits });
        stage.clock.advance(offset);
        await stage.admit({ input: 10 });
        const leavesAt = stage.clock.now() - offset + 11 * stepMs;
        expect((await stage.refuse({ input: 1 })).limits[name]).toMatchObject({
          freesAt: leavesAt,
          resetsAt: leavesAt,
        });
        stage.clock.moveTo(leavesAt - 1);
        await stage.refuse({ input: 1 });
        expect(await stage.counted()).toEqual({ [name]: "0+10" });
        stage.clock.moveTo(leavesAt);
        expect(await stage.counted()).toEqual({ [name]: "0+0" });
        await stage.admit({ input: 10 });
      },
    );

    it("counts a settled charge where its Authorize fell", async () => {
      const stage = await stageOf({ limits });
      const begun = stage.clock.now();
      const { grant } = await stage.admit({ input: 4 });
      stage.clock.advance(lengthMs / 2);
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 9 } });
      expect((await stage.read())[name]).toMatchObject({ used: 9, reserved: 0, resetsAt: begun + 11 * stepMs });
      stage.clock.moveTo(begun + 11 * stepMs - 1);
      await stage.refuse({ input: 2 });
      stage.clock.moveTo(begun + 11 * stepMs);
      expect(await stage.counted()).toEqual({ [name]: "0+0" });
    });

    it("lets charges of different steps go one by one", async () => {
      const stage = await stageOf({ limits });
      const begun = stage.clock.now();
      await stage.admit({ input: 1 });
      stage.clock.advance(stepMs);
      await stage.admit({ input: 2 });
      stage.clock.advance(4 * stepMs);
      await stage.admit({ input: 4 });
      const frees = async (input: number) => (await stage.refuse({ input })).limits[name]?.freesAt;
      expect(await frees(4)).toBe(begun + 11 * stepMs);
      expect(await frees(5)).toBe(begun + 12 * stepMs);
      expect(await frees(6)).toBe(begun + 12 * stepMs);
      expect(await frees(7)).toBe(begun + 16 * stepMs);
      expect((await stage.read())[name]?.resetsAt).toBe(begun + 16 * stepMs);
      for (const [steps, counted] of [
        [10, 7],
        [11, 6],
        [12, 4],
        [15, 4],
        [16, 0],
      ] as const) {
        stage.clock.moveTo(begun + steps * stepMs);
        expect(await stage.counted()).toEqual({ [name]: `0+${counted}` });
      }
    });

    it("says, when nothing is counted, that it resets now", async () => {
      const stage = await stageOf({ limits });
      const now = stage.clock.now();
      expect((await stage.read())[name]).toEqual({
        used: 0,
        reserved: 0,
        resetsAt: now,
        refuses: false,
        freesAt: undefined,
      });
      const { grant } = await stage.admit({ input: 5 });
      await stage.release(grant.reservationId);
      expect((await stage.read())[name]).toMatchObject({ used: 0, reserved: 0, resetsAt: now });
    });

    it("does not count a call in flight for longer than itself, and a settlement then adds nothing", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, output: 0 });
      stage.clock.advance(11 * stepMs);
      await stage.admit({ input: 8 });
      expect(await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 500 } })).toMatchObject({
        cost: 1000,
        unreserved: false,
      });
      expect(await stage.counted()).toEqual({ [name]: "0+8" });
    });

    it("charges or gives back what expires within it, and lets it go as if it had not", async () => {
      for (const unsettled of ["charge", "release"] as const) {
        const stage = await stageOf({ limits, workspaces: { dev: { unsettled, reservationTtlMs: lengthMs / 2 } } });
        const begun = stage.clock.now();
        const { grant } = await stage.admit({ input: 10 });
        expect(grant.expiresAt).toBe(begun + lengthMs / 2);
        stage.clock.moveTo(grant.expiresAt - 1);
        expect(await stage.counted()).toEqual({ [name]: "0+10" });
        expect((await stage.refuse()).limits[name]?.freesAt).toBe(
          unsettled === "charge" ? begun + 11 * stepMs : grant.expiresAt,
        );
        stage.clock.moveTo(grant.expiresAt);
        expect(await stage.counted()).toEqual({ [name]: unsettled === "charge" ? "10+0" : "0+0" });
        stage.clock.moveTo(begun + 11 * stepMs);
        expect(await stage.counted()).toEqual({ [name]: "0+0" });
      }
    });

    it("keeps what expired beside what was settled, through all that happens until it slides out", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: { reservationTtlMs: lengthMs / 2 } } });
      const begun = stage.clock.now();
      const settled = await stage.admit({ input: 3 });
      await stage.record({ reservation: settled.grant.reservationId });
      const expired = await stage.admit({ input: 4 });
      stage.clock.advance(lengthMs / 4);
      const later = await stage.admit({ input: 2 });
      stage.clock.moveTo(expired.grant.expiresAt);
      expect(await stage.counted()).toEqual({ [name]: "7+2" });
      stage.clock.moveTo(later.grant.expiresAt);
      expect(await stage.counted()).toEqual({ [name]: "9+0" });
      stage.clock.moveTo(begun + 11 * stepMs);
      expect(await stage.counted()).toEqual({ [name]: "2+0" });
    });

    it("takes a late correction while it lasts", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: { reservationTtlMs: lengthMs / 2 } } });
      const { grant } = await stage.admit({ input: 8 });
      stage.clock.moveTo(grant.expiresAt);
      await stage.admit({ input: 2 });
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 3 } });
      expect(await stage.counted()).toEqual({ [name]: "3+2" });
      await stage.admit({ input: 5 });
      await stage.refuse({ input: 1 });
    });
  });
}
