import { describe, expect, it } from "vitest";
import type { StageOf } from "./stage-of.js";

/** Cases on listing what is open. */
export function openReservations(stageOf: StageOf): void {
  describe("open reservations", () => {
    it("are listed with whose they are, what they hold and when they end", async () => {
      const stage = await stageOf({});
      const { grant } = await stage.admit({ id: "job-1", input: 4, output: 2 });
      expect(await stage.open()).toEqual([
        {
          principal: "ann",
          role: "developer",
          workspace: "dev",
          reservationId: grant.reservationId,
          requestId: "job-1",
          model: "small-1",
          amounts: { inputTokens: 4, outputTokens: 2, cost: 14 },
          reservedAt: stage.clock.now(),
          expiresAt: grant.expiresAt,
        },
      ]);
    });

    it("come in pages that hold each once, in an order that stays", async () => {
      const stage = await stageOf({});
      const ids: string[] = [];
      for (let i = 0; i < 25; i++) ids.push((await stage.admit({ as: `caller-${i % 3}` })).grant.reservationId);
      const paged: string[] = [];
      for (let after = ""; ; ) {
        const page = await stage.open(after, 10);
        paged.push(...page.map(({ reservationId }) => reservationId));
        const last = page.at(-1);
        if (!last || paged.length > ids.length) break;
        after = last.reservationId;
        expect(page.length).toBeLessThanOrEqual(10);
      }
      expect([...paged].sort()).toEqual([...ids].sort());
      const all = (await stage.open()).map(({ reservationId }) => reservationId);
      expect(all).toEqual(paged);
    });

    it("go on after an id whose reservation has closed since", async () => {
      const stage = await stageOf({});
      for (let i = 0; i < 6; i++) await stage.admit();
      const all = (await stage.open()).map(({ reservationId }) => reservationId);
      const third = all[2] ?? "";
      await stage.record({ reservation: third });
      expect((await stage.open(third)).map(({ reservationId }) => reservationId)).toEqual(all.slice(3));
      expect((await stage.open()).map(({ reservationId }) => reservationId)).toEqual(all.filter((id) => id !== third));
    });

    it("are those that are neither settled, released, forgotten nor expired", async () => {
      const stage = await stageOf({});
      const early = await stage.admit();
      stage.clock.advance(450_000);
      const settled = await stage.admit();
      const released = await stage.admit();
      const forgotten = await stage.admit();
      const kept = await stage.admit();
      await stage.record({ reservation: settled.grant.reservationId });
      await stage.release(released.grant.reservationId);
      await stage.release(forgotten.grant.reservationId, true);
      expect(await stage.open()).toHaveLength(2);
      stage.clock.moveTo(early.grant.expiresAt);
      expect((await stage.open()).map(({ reservationId }) => reservationId)).toEqual([kept.grant.reservationId]);
    });
  });
}
