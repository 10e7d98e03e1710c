import { describe, expect, it } from "vitest";
import type { StageOf } from "./stage-of.js";

const limits = {
  "roles.developer.requests_per_day": 9,
  "roles.developer.tokens_per_minute": 20,
  "roles.developer.usd_per_day": 1000,
};
const amounts = { inputTokens: 3, outputTokens: 1, cost: 9 };

/** Cases on usage that no reservation is known for. */
export function unreservedCharges(stageOf: StageOf): void {
  describe("usage without a reservation", () => {
    it("is charged to all counters, a request each time", async () => {
      const stage = await stageOf({ limits });
      expect(await stage.charge({ reservation: "gone", amounts })).toEqual({
        kind: "charged",
        cost: 9,
        already: false,
      });
      expect(Object.values(await stage.counted())).toEqual(["1+0", "4+0", "9+0"]);
      expect(await stage.charge({ request: "job-1", amounts: {} })).toEqual({
        kind: "charged",
        cost: 0,
        already: false,
      });
      expect(Object.values(await stage.counted())).toEqual(["2+0", "4+0", "9+0"]);
    });

    it("may pass a ceiling, and the next call is refused", async () => {
      const stage = await stageOf({ limits });
      await stage.charge({ reservation: "gone", amounts: { inputTokens: 25 } });
      const refused = await stage.refuse({ input: 0 });
      expect(refused.limits["roles.developer.tokens_per_minute"]).toMatchObject({ used: 25, refuses: true });
      stage.clock.advance(66_000);
      await stage.admit({ input: 20 });
    });

    it.each([
      ["a reservation_id", { reservation: "gone" }],
      ["a request_id", { request: "job-1" }],
    ])("is charged once for %s, with the first cost, for 10 minutes", async (_, key) => {
      const stage = await stageOf({ limits });
      await stage.charge({ ...key, amounts });
      stage.clock.advance(599_999);
      expect(await stage.charge({ ...key, amounts: { cost: 500 } })).toEqual({
        kind: "charged",
        cost: 9,
        already: true,
      });
      expect((await stage.counted())["roles.developer.usd_per_day"]).toBe("9+0");
      stage.clock.advance(1);
      expect(await stage.charge({ ...key, amounts: { cost: 5 } })).toEqual({
        kind: "charged",
        cost: 5,
        already: false,
      });
      stage.clock.advance(599_999);
      expect(await stage.charge({ ...key, amounts })).toEqual({ kind: "charged", cost: 5, already: true });
      expect((await stage.counted())["roles.developer.usd_per_day"]).toBe("14+0");
    });

    it("is charged once for a reservation_id whoever sends it, and for a request_id once for each principal of a workspace", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: {}, prod: {} } });
      expect(await stage.charge({ reservation: "gone", amounts })).toMatchObject({ already: false });
      expect(await stage.charge({ reservation: "gone", amounts, as: "bob" })).toMatchObject({ already: true });
      expect(await stage.charge({ request: "gone", amounts })).toMatchObject({ already: false });
      expect(await stage.charge({ request: "gone", amounts, as: "bob" })).toMatchObject({ already: false });
      expect(await stage.charge({ request: "gone", amounts, workspace: "prod" })).toMatchObject({ already: false });
      expect(await stage.charge({ request: "gone", amounts })).toMatchObject({ already: true });
    });

    it.each([
      ["a reservation_id", { reservation: "gone" }],
      ["a request_id", { request: "job-1" }],
    ])("is found by %s when it is settled: recorded already, without a reservation, for 10 minutes", async (_, key) => {
      const stage = await stageOf({ limits });
      await stage.charge({ ...key, amounts });
      const before = await stage.counted();
      stage.clock.advance(599_999);
      expect(await stage.settle({ ...key, usage: { inputTokens: 90 } })).toEqual({
        kind: "settled",
        cost: 9,
        already: true,
        unreserved: true,
        caller: { principal: "ann", role: "developer", workspace: "dev" },
        amounts,
        model: "small-1",
      });
      expect((await stage.counted())["roles.developer.usd_per_day"]).toBe(before["roles.developer.usd_per_day"]);
      stage.clock.advance(1);
      expect(await stage.settle({ ...key, usage: {} })).toEqual({ kind: "unknown" });
    });

    it("is nobody else's to hear of", async () => {
      const stage = await stageOf({ limits });
      await stage.charge({ reservation: "gone", amounts });
      await stage.charge({ request: "job-1", amounts });
      expect(await stage.settle({ reservation: "gone", as: "bob", usage: {} })).toEqual({ kind: "foreign" });
      expect(await stage.settle({ request: "job-1", as: "bob", usage: {} })).toEqual({ kind: "unknown" });
      expect(await stage.settle({ reservation: "gone", claimant: {}, usage: {} })).toMatchObject({ already: true });
    });

    it("is not mistaken for another's whose ids run together alike", async () => {
      const stage = await stageOf({ limits });
      await stage.charge({ request: "job-1", amounts });
      for (const reservation of ["job-1", "dev ann job-1", "request dev ann job-1"]) {
        expect(await stage.charge({ reservation, amounts })).toMatchObject({ already: false });
      }
    });

    it("is charged once for each of the longest ids, however alike they are", async () => {
      const stage = await stageOf({ limits });
      const ids = Array.from({ length: 6 }, (_, i) => `${"x".repeat(i * 100)}${i}${"y".repeat(511 - i * 100)}`);
      for (const reservation of ids)
        expect(await stage.charge({ reservation, amounts })).toMatchObject({ already: false });
      for (const reservation of ids)
        expect(await stage.charge({ reservation, amounts })).toMatchObject({ already: true });
      for (const reservation of ids) expect(await stage.settle({ reservation })).toMatchObject({ already: true });
    });

    it("many times at once is charged once", async () => {
      const stage = await stageOf({ limits });
      const results = await Promise.all(
        Array.from({ length: 10 }, () => stage.charge({ reservation: "gone", amounts })),
      );
      expect(results.filter(({ already }) => !already)).toHaveLength(1);
      expect(Object.values(await stage.counted())).toEqual(["1+0", "4+0", "9+0"]);
    });

    it("slides out of a sliding window like any other", async () => {
      const stage = await stageOf({ limits });
      stage.clock.advance(5_999);
      await stage.charge({ reservation: "gone", amounts });
      stage.clock.advance(60_000);
      expect(Object.values(await stage.counted())[1]).toBe("4+0");
      stage.clock.advance(1);
      expect(Object.values(await stage.counted())[1]).toBe("0+0");
    });
  });
}
