import { describe, expect, it } from "vitest";
import type { StageOf } from "./stage-of.js";

const limits = {
  "roles.developer.requests_per_day": 9,
  "roles.developer.tokens_per_minute": 100,
  "roles.developer.usd_per_day": 1000,
  "roles.developer.concurrent_requests": 9,
};

/** Cases on giving back what is open. */
export function release(stageOf: StageOf): void {
  describe("a release", () => {
    it.each([false, true])("gives back all, the request too, and nothing of others (forget: %s)", async (forget) => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      await stage.admit({ input: 7 });
      const settled = await stage.admit({ input: 3 });
      await stage.record({ reservation: settled.grant.reservationId });
      expect(await stage.release(grant.reservationId, forget)).toEqual({ kind: "released" });
      expect(Object.values(await stage.counted())).toEqual(["1+1", "3+7", "6+14", "0+1"]);
      expect(await stage.release(grant.reservationId, forget)).toEqual({ kind: "not_open" });
      expect(Object.values(await stage.counted())).toEqual(["1+1", "3+7", "6+14", "0+1"]);
      stage.clock.moveTo(grant.expiresAt);
      expect(Object.values(await stage.counted())).toEqual(["2+0", "0+0", "20+0", "0+0"]);
    });

    it("makes room at once", async () => {
      const stage = await stageOf({ limits: { "roles.developer.tokens_per_day": 10 } });
      const { grant } = await stage.admit({ input: 10 });
      await stage.refuse();
      await stage.release(grant.reservationId);
      await stage.admit({ input: 10 });
    });

    it("that remembers leaves a closed reservation, and its request_id is a conflict", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, id: "job-1" });
      await stage.release(grant.reservationId);
      expect(await stage.reserve({ input: 10, id: "job-1" })).toMatchObject({ kind: "conflict" });
      expect(await stage.open()).toEqual([]);
    });

    it("that forgets leaves nothing: the same request_id is judged anew, with other content too", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, id: "job-1" });
      await stage.release(grant.reservationId, true);
      expect(await stage.settle({ reservation: grant.reservationId, usage: { inputTokens: 5 } })).toEqual({
        kind: "unknown",
      });
      expect(await stage.settle({ request: "job-1" })).toEqual({ kind: "unknown" });
      const anew = await stage.admit({ input: 4, id: "job-1" });
      expect(anew.grant.reservationId).not.toBe(grant.reservationId);
      expect(await stage.open()).toHaveLength(1);
      expect(Object.values(await stage.counted())).toEqual(["0+1", "0+4", "0+8", "0+1"]);
    });

    it("that forgets works for a request_id of the server's making too", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10 });
      await stage.release(grant.reservationId, true);
      const anew = await stage.admit({ input: 4, id: grant.requestId });
      expect(anew.grant).toMatchObject({ requestId: grant.requestId, cost: 8 });
      expect(anew.grant.reservationId).not.toBe(grant.reservationId);
    });

    it.each([false, true])(
      "finds nothing open in what is settled, expired, released or unknown (forget: %s)",
      async (forget) => {
        const stage = await stageOf({ limits, workspaces: { dev: { reservationTtlMs: 60_000 } } });
        const settled = await stage.admit({ input: 1, id: "settled" });
        const released = await stage.admit({ input: 2, id: "released" });
        const expired = await stage.admit({ input: 4, id: "expired" });
        await stage.record({ reservation: settled.grant.reservationId });
        await stage.release(released.grant.reservationId);
        stage.clock.moveTo(expired.grant.expiresAt);
        const counted = await stage.counted();
        for (const { grant } of [settled, released, expired]) {
          expect(await stage.release(grant.reservationId, forget)).toEqual({ kind: "not_open" });
          expect(await stage.reserve({ id: grant.requestId })).toMatchObject({ kind: "conflict" });
        }
        expect(await stage.release("unknown", forget)).toEqual({ kind: "not_open" });
        expect(await stage.counted()).toEqual(counted);
      },
    );

    it("does not forget what a repeat was told of, since that caller has it", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, id: "job" });
      expect((await stage.admit({ input: 10, id: "job" })).grant).toEqual(grant);
      const counted = await stage.counted();
      expect(await stage.release(grant.reservationId, true)).toEqual({ kind: "not_open" });
      expect(await stage.counted()).toEqual(counted);
      expect(await stage.record({ reservation: grant.reservationId })).toMatchObject({ unreserved: false });
    });

    it("gives back what a repeat was told of where its operator asks for it", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, id: "job" });
      await stage.admit({ input: 10, id: "job" });
      expect(await stage.release(grant.reservationId)).toEqual({ kind: "released" });
    });

    it("gives back what was reserved, not what another call with the same end and place did", async () => {
      const stage = await stageOf({
        limits: { "roles.developer.tokens_per_second": 100, "roles.developer.tokens_per_day": 100 },
      });
      const one = await stage.admit({ input: 5 });
      stage.clock.advance(300);
      const two = await stage.admit({ input: 6 });
      stage.clock.advance(500);
      await stage.release(one.grant.reservationId);
      expect(Object.values(await stage.counted())).toEqual(["0+6", "0+6"]);
      stage.clock.advance(400);
      await stage.release(two.grant.reservationId);
      expect(Object.values(await stage.counted())).toEqual(["0+0", "0+0"]);
    });
  });
}
