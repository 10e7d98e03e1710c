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

    it("come in pages that hold each, and none else", async () => {
      const stage = await stageOf({});
      const ids: string[] = [];
      for (let i = 0; i < 25; i++) ids.push((await stage.admit({ as: `caller-${i % 3}` })).grant.reservationId);
      const first = await stage.openPage("", 10);
      expect(first.next).toBeDefined();
      expect(first.reservations.length).toBeLessThan(ids.length);
      const paged = (await stage.open(10)).map(({ reservationId }) => reservationId);
      expect(new Set(paged)).toEqual(new Set(ids));
    });

    it("go on after a page whose reservations have closed since", async () => {
      const stage = await stageOf({});
      for (let i = 0; i < 25; i++) await stage.admit();
      const all = (await stage.open()).map(({ reservationId }) => reservationId);
      const first = await stage.openPage("", 10);
      const seen = first.reservations.map(({ reservationId }) => reservationId);
      for (const reservation of seen) await stage.record({ reservation });
      const rest: string[] = [];
      for (let after = first.next; after !== undefined; ) {
        const page = await stage.openPage(after, 10);
        rest.push(...page.reservations.map(({ reservationId }) => reservationId));
        after = page.next;
      }
      expect(new Set(rest)).toEqual(new Set(all.filter((id) => !seen.includes(id))));
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
