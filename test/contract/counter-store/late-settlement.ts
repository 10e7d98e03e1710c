import { describe, expect, it } from "vitest";
import type { Stage } from "../../support/stage.js";
import type { StageOf } from "./stage-of.js";

const limits = {
  "roles.developer.requests_per_day": 9,
  "roles.developer.tokens_per_day": 100,
  "roles.developer.usd_per_day": 1000,
  "roles.developer.concurrent_requests": 9,
};

/** Cases on settling what is no longer open. */
export function lateSettlement(stageOf: StageOf): void {
  const counted = async (stage: Stage) => Object.values(await stage.counted());

  describe("a reservation that nobody settles", () => {
    it("is charged its estimate when it ends under `unsettled: charge`", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      stage.clock.moveTo(grant.expiresAt - 1);
      expect(await counted(stage)).toEqual(["0+1", "0+15", "0+35", "0+1"]);
      stage.clock.moveTo(grant.expiresAt);
      expect(await counted(stage)).toEqual(["1+0", "15+0", "35+0", "0+0"]);
    });

    it("gives back all, the request too, under `unsettled: release`", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: { unsettled: "release" } } });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      stage.clock.moveTo(grant.expiresAt - 1);
      expect(await counted(stage)).toEqual(["0+1", "0+15", "0+35", "0+1"]);
      stage.clock.moveTo(grant.expiresAt);
      expect(await counted(stage)).toEqual(["0+0", "0+0", "0+0", "0+0"]);
    });

    it("ends as its workspace said when it was made", async () => {
      const release = { limits, workspaces: { dev: { unsettled: "release" as const } } };
      const stage = await stageOf(release);
      const { grant } = await stage.admit({ input: 10 });
      stage.reload({ limits });
      const charged = await stage.admit({ input: 4 });
      stage.reload(release);
      await stage.admit({ input: 20 });
      stage.clock.moveTo(grant.expiresAt);
      expect(charged.grant.expiresAt).toBe(grant.expiresAt);
      expect(await counted(stage)).toEqual(["1+0", "4+0", "8+0", "0+0"]);
    });

    it("ends with all that end then, each once", async () => {
      const stage = await stageOf({
        limits: { "organization.tokens_per_day": 1_000_000, "organization.tokens_per_minute": 1_000_000 },
      });
      for (let i = 0; i < 40; i++) {
        stage.clock.advance(60_000);
        await stage.admit({ input: 1, as: `caller-${i % 7}` });
      }
      stage.clock.advance(1_400_000);
      expect(await stage.counted()).toEqual({
        "organization.tokens_per_day": "40+0",
        "organization.tokens_per_minute": "0+0",
      });
    });
  });

  describe("settling late", () => {
    const expire = (stage: Stage) => stage.clock.advance(900_000);

    it("replaces the estimate, where that was charged", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      expire(stage);
      const report = { reservation: grant.reservationId, usage: { inputTokens: 60, outputTokens: 1 } };
      expect(await stage.record(report)).toMatchObject({ cost: 123, already: false, unreserved: true });
      expect(await counted(stage)).toEqual(["1+0", "61+0", "123+0", "0+0"]);
    });

    it("charges anew, the request too, where all was given back at expiry", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: { unsettled: "release" } } });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      expire(stage);
      const report = { reservation: grant.reservationId, usage: { inputTokens: 3 } };
      expect(await stage.record(report)).toMatchObject({ cost: 6, already: false, unreserved: true });
      expect(await counted(stage)).toEqual(["1+0", "3+0", "6+0", "0+0"]);
    });

    it.each(["charge", "release"] as const)(
      "charges anew, the request too, after an operator's release under %s",
      async (unsettled) => {
        const stage = await stageOf({ limits, workspaces: { dev: { unsettled } } });
        const { grant } = await stage.admit({ input: 10, output: 5 });
        await stage.release(grant.reservationId);
        const report = { reservation: grant.reservationId, usage: { inputTokens: 3 } };
        expect(await stage.record(report)).toMatchObject({ cost: 6, already: false, unreserved: true });
        expect(await counted(stage)).toEqual(["1+0", "3+0", "6+0", "0+0"]);
        expire(stage);
        expect(await counted(stage)).toEqual(["1+0", "3+0", "6+0", "0+0"]);
      },
    );

    it.each([
      ["charge", "succeeded", ["1+0", "15+0", "35+0", "0+0"], 35],
      ["charge", "cancelled", ["1+0", "15+0", "35+0", "0+0"], 35],
      ["charge", "failed", ["1+0", "0+0", "0+0", "0+0"], 0],
      ["release", "succeeded", ["1+0", "15+0", "35+0", "0+0"], 35],
      ["release", "cancelled", ["1+0", "15+0", "35+0", "0+0"], 35],
      ["release", "failed", ["1+0", "0+0", "0+0", "0+0"], 0],
    ] as const)(
      "without usage, under %s, as %s comes to what it would have in time",
      async (unsettled, outcome, after, cost) => {
        const stage = await stageOf({ limits, workspaces: { dev: { unsettled } } });
        const { grant } = await stage.admit({ input: 10, output: 5 });
        expire(stage);
        expect(await stage.record({ reservation: grant.reservationId, outcome })).toMatchObject({
          cost,
          unreserved: true,
        });
        expect(await counted(stage)).toEqual(after);
      },
    );

    it("twice changes nothing the second time", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      expire(stage);
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 3 } });
      const again = await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 50 } });
      expect(again).toMatchObject({ cost: 6, already: true, unreserved: true });
      expect(await counted(stage)).toEqual(["1+0", "3+0", "6+0", "0+0"]);
    });

    it("works by the request_id too, and is nobody else's either", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, id: "job-1" });
      expire(stage);
      expect(await stage.settle({ reservation: grant.reservationId, as: "bob" })).toEqual({ kind: "foreign" });
      expect(await stage.record({ request: "job-1", usage: { inputTokens: 3 } })).toMatchObject({
        cost: 6,
        unreserved: true,
      });
      expect(await counted(stage)).toEqual(["1+0", "3+0", "6+0", "0+0"]);
    });

    it.each(["expiry", "release"] as const)(
      "is possible until 10 minutes after %s, and then it is unknown",
      async (end) => {
        for (const [wait, found] of [
          [599_999, true],
          [600_000, false],
        ] as const) {
          const stage = await stageOf({ limits });
          const { grant } = await stage.admit({ input: 10, id: "job-1" });
          if (end === "expiry") stage.clock.moveTo(grant.expiresAt);
          else await stage.release(grant.reservationId);
          stage.clock.advance(wait);
          expect((await stage.settle({ reservation: grant.reservationId, usage: {} })).kind).toBe(
            found ? "settled" : "unknown",
          );
        }
      },
    );

    it("charges none but the reservation's own windows, and the hour's is over before the day's", async () => {
      const names = { "roles.developer.tokens_per_hour": 100, "roles.developer.tokens_per_day": 100 };
      const stage = await stageOf({ limits: names }, "2026-03-10T12:50:00Z");
      const { grant } = await stage.admit({ input: 10 });
      stage.clock.moveTo("2026-03-10T13:10:00Z");
      expect(await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 40 } })).toMatchObject({
        unreserved: true,
      });
      expect(await stage.counted()).toEqual({
        "roles.developer.tokens_per_hour": "0+0",
        "roles.developer.tokens_per_day": "40+0",
      });
    });

    it("that costs more than can be counted changes nothing", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10 });
      expire(stage);
      const usage = { outputTokens: Number.MAX_SAFE_INTEGER };
      expect(await stage.settle({ reservation: grant.reservationId, usage })).toEqual({ kind: "uncountable" });
      expect(await counted(stage)).toEqual(["1+0", "10+0", "20+0", "0+0"]);
    });
  });
}
