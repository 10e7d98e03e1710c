import { describe, expect, it } from "vitest";
import { modelOf, nano } from "../../support/policy-words.js";
import type { Stage } from "../../support/stage.js";
import type { StageOf } from "./stage-of.js";

const TODAY = "2026-03-10";
const MOST = Number.MAX_SAFE_INTEGER;
const expired = { reservationTtlMs: 60_000 };
/** How many calls come before one is settled: it has ended then, others have begun since, and it is still remembered. */
const LATE_BY = 20;

/** Cases on what is kept of each day, limited or not. */
export function totals(stageOf: StageOf): void {
  const today = (stage: Stage, date = TODAY) => stage.totals(date);

  describe("the totals of a day", () => {
    it("hold what was settled, under no limit at all", async () => {
      const stage = await stageOf({});
      const { grant } = await stage.admit({ input: 10, output: 5 });
      expect(await today(stage)).toEqual({});
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 9, outputTokens: 2 } });
      expect(await today(stage)).toEqual({ "dev ann small-1": "1 9 2 24" });
    });

    it("are told by workspace, principal and model", async () => {
      const other = modelOf("other-1", { names: ["other"], rates: { inputToken: nano(7), outputToken: nano(0) } });
      const small = modelOf("small-1", { names: ["small"], rates: { inputToken: nano(2), outputToken: nano(3) } });
      const stage = await stageOf({ models: [small, other], workspaces: { prod: {} } });
      for (const who of [{}, { as: "bob" }, { workspace: "prod" }, { model: "other" }, { role: "developer" }]) {
        const { grant } = await stage.admit({ ...who, input: 10 });
        await stage.record({ ...who, reservation: grant.reservationId });
      }
      expect(await today(stage)).toEqual({
        "dev ann small-1": "2 20 0 40",
        "dev bob small-1": "1 10 0 20",
        "prod ann small-1": "1 10 0 20",
        "dev ann other-1": "1 10 0 70",
      });
    });

    it("never take one name for another", async () => {
      const stage = await stageOf({ workspaces: { a: {}, "a-b": {} } });
      for (const who of [
        { workspace: "a", as: "b:c" },
        { workspace: "a-b", as: "c" },
        { workspace: "a", as: "(other)" },
        { workspace: "a", as: "b" },
      ]) {
        const { grant } = await stage.admit({ ...who, input: 1 });
        await stage.record({ ...who, reservation: grant.reservationId });
      }
      expect(Object.keys(await today(stage)).sort()).toEqual([
        "a (other) small-1",
        "a b small-1",
        "a b:c small-1",
        "a-b c small-1",
      ]);
    });

    it.each([
      ["charge", { "dev ann small-1": "1 10 5 35" }],
      ["release", {}],
    ] as const)("hold what expired under %s as it says, from that instant on", async (unsettled, after) => {
      const stage = await stageOf({ workspaces: { dev: { ...expired, unsettled } } });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      stage.clock.moveTo(grant.expiresAt - 1);
      expect(await today(stage)).toEqual({});
      stage.clock.moveTo(grant.expiresAt);
      expect(await today(stage)).toEqual(after);
      stage.clock.advance(40 * 60_000);
      expect(await today(stage)).toEqual(after);
    });

    it.each(["charge", "release"] as const)(
      "hold a late settlement under %s once, in place of what the end charged",
      async (unsettled) => {
        const stage = await stageOf({ workspaces: { dev: { ...expired, unsettled } } });
        const { grant } = await stage.admit({ input: 10, output: 5 });
        await stage.admit({ input: 1 });
        stage.clock.moveTo(grant.expiresAt);
        const report = { reservation: grant.reservationId, usage: { inputTokens: 3 } };
        await stage.record(report);
        await stage.record({ ...report, usage: { inputTokens: 50 } });
        const rest = unsettled === "charge" ? "2 4 0 8" : "1 3 0 6";
        expect(await today(stage)).toEqual({ "dev ann small-1": rest });
      },
    );

    it("stay exact through many ends of calls that nobody settles, or only long after", async () => {
      const stage = await stageOf({ workspaces: { dev: { reservationTtlMs: 30_000 } } });
      const bobs: string[] = [];
      for (let step = 1; step <= 120; step++) {
        await stage.admit({ input: 10, output: 5 });
        bobs.push((await stage.admit({ as: "bob", input: 4 })).grant.reservationId);
        const reservation = bobs.at(-1 - LATE_BY);
        if (reservation) await stage.record({ as: "bob", reservation, usage: { inputTokens: 1 } });
        // The next one ends at a further instant.
        stage.clock.advance(15_000);
      }
      stage.clock.advance(60_000);
      const [late, unsettled] = [120 - LATE_BY, LATE_BY];
      expect(await today(stage)).toEqual({
        "dev ann small-1": `120 ${120 * 10} ${120 * 5} ${120 * 35}`,
        "dev bob small-1": `120 ${late + unsettled * 4} 0 ${2 * (late + unsettled * 4)}`,
      });
    });

    it("hold the request alone of a call that failed", async () => {
      const stage = await stageOf({});
      const { grant } = await stage.admit({ input: 10 });
      await stage.record({ reservation: grant.reservationId, outcome: "failed" });
      expect(await today(stage)).toEqual({ "dev ann small-1": "1 0 0 0" });
    });

    it.each(["charge", "release"] as const)(
      "hold nothing of what was released under %s, until it is settled all the same",
      async (unsettled) => {
        const stage = await stageOf({ workspaces: { dev: { ...expired, unsettled } } });
        const { grant } = await stage.admit({ input: 10 });
        const forgotten = await stage.admit({ input: 10 });
        await stage.release(grant.reservationId);
        await stage.release(forgotten.grant.reservationId, true);
        stage.clock.advance(120_000);
        expect(await today(stage)).toEqual({});
        await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 3 } });
        expect(await today(stage)).toEqual({ "dev ann small-1": "1 3 0 6" });
      },
    );

    it("hold nothing of what was refused, only asked, or sent again", async () => {
      const stage = await stageOf({ limits: { "organization.requests_per_day": 1 }, workspaces: { dev: expired } });
      await stage.reserve({ dryRun: true });
      const { grant } = await stage.admit({ id: "a" });
      await stage.admit({ id: "a" });
      await stage.refuse({});
      stage.clock.moveTo(grant.expiresAt);
      expect(await today(stage)).toEqual({ "dev ann small-1": "1 1 0 2" });
    });

    it("hold usage that no reservation stood behind, once for each id", async () => {
      const stage = await stageOf({});
      const bill = { request: "a", amounts: { inputTokens: 4, outputTokens: 1, cost: 12 } };
      await stage.charge(bill);
      await stage.charge(bill);
      await stage.charge({ ...bill, as: "bob", amounts: { cost: 1 } });
      expect(await today(stage)).toEqual({ "dev ann small-1": "1 4 1 12", "dev bob small-1": "1 0 0 1" });
    });

    it("are those of the day of Authorize, also when the settlement comes on the next", async () => {
      const stage = await stageOf({ workspaces: { dev: { reservationTtlMs: 600_000 } } }, "2026-03-10T23:59:59Z");
      const [inTime, late] = [await stage.admit({ input: 10 }), await stage.admit({ input: 20 })];
      stage.clock.moveTo("2026-03-11T00:00:00Z");
      await stage.record({ reservation: inTime.grant.reservationId, usage: { inputTokens: 1 } });
      const next = await stage.admit({ input: 5 });
      await stage.record({ reservation: next.grant.reservationId });
      stage.clock.moveTo(late.grant.expiresAt);
      expect(await today(stage)).toEqual({ "dev ann small-1": "2 21 0 42" });
      await stage.record({ reservation: late.grant.reservationId, usage: { inputTokens: 2 } });
      expect(await today(stage)).toEqual({ "dev ann small-1": "2 3 0 6" });
      expect(await today(stage, "2026-03-11")).toEqual({ "dev ann small-1": "1 5 0 10" });
    });

    it("begin at the midnight of the policy's time zone", async () => {
      const stage = await stageOf({ timezone: "Asia/Tokyo" }, "2026-03-10T14:59:59Z");
      const before = await stage.admit({ input: 1 });
      stage.clock.moveTo("2026-03-10T15:00:00Z");
      const after = await stage.admit({ input: 2 });
      await stage.record({ reservation: before.grant.reservationId });
      await stage.record({ reservation: after.grant.reservationId });
      expect(await today(stage)).toEqual({ "dev ann small-1": "1 1 0 2" });
      expect(await today(stage, "2026-03-11")).toEqual({ "dev ann small-1": "1 2 0 4" });
    });

    it("are exact up to 2^53-1, and told as that above", async () => {
      const free = modelOf("free-1", { names: ["small"], rates: { inputToken: nano(0), outputToken: nano(0) } });
      const stage = await stageOf({ models: [free] });
      const one = await stage.admit({ input: MOST - 1 });
      await stage.record({ reservation: one.grant.reservationId });
      expect(await today(stage)).toEqual({ "dev ann free-1": `1 ${MOST - 1} 0 0` });
      const two = await stage.admit({ input: 1 });
      await stage.record({ reservation: two.grant.reservationId });
      expect(await today(stage)).toEqual({ "dev ann free-1": `2 ${MOST} 0 0` });
      const three = await stage.admit({ input: MOST });
      await stage.record({ reservation: three.grant.reservationId });
      expect(await today(stage)).toEqual({ "dev ann free-1": `3 ${MOST} 0 0` });
    });

    it("come by pages, each row on one of them", async () => {
      const stage = await stageOf({ workspaces: { dev: expired } });
      for (let nth = 0; nth < 40; nth++) await stage.admit({ as: `caller-${nth}` });
      stage.clock.advance(600_000);
      const found = await stage.totals(TODAY, 7);
      expect(Object.keys(found)).toHaveLength(40);
      expect(new Set(Object.values(found))).toEqual(new Set(["1 1 0 2"]));
      const day = Date.parse(TODAY) / 86_400_000;
      expect(await stage.store.totals({ day, after: "999999999", limit: 7 }, stage.clock.now())).toMatchObject({
        totals: expect.any(Array),
      });
    });

    it("of a day without calls are none", async () => {
      const stage = await stageOf({});
      expect(await today(stage, "2026-03-09")).toEqual({});
      expect(await today(stage, "2026-03-11")).toEqual({});
    });
  });
}
