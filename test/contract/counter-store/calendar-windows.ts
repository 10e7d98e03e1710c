import { describe, expect, it } from "vitest";
import { Calendar } from "../../../src/domain/window.js";
import { instant } from "../../support/fake-clock.js";
import type { StageOf } from "./stage-of.js";

/** Where the four windows end in places where the clock was changed, or the calendar is uneven. */
const ENDS = [
  ["Europe/Paris, a day of 23 hours", "Europe/Paris", "2026-03-29T00:30:00Z", "day", "2026-03-29T22:00:00Z"],
  [
    "Europe/Paris, the first of the two hours from 2 to 3",
    "Europe/Paris",
    "2026-10-25T00:30:00Z",
    "hour",
    "2026-10-25T01:00:00Z",
  ],
  ["Europe/Paris, the second of them", "Europe/Paris", "2026-10-25T01:30:00Z", "hour", "2026-10-25T02:00:00Z"],
  ["America/New_York, a week of 167 hours", "America/New_York", "2026-03-02T05:00:00Z", "week", "2026-03-09T04:00:00Z"],
  [
    "Asia/Kolkata, hours that begin at half past",
    "Asia/Kolkata",
    "2026-03-10T12:45:00Z",
    "hour",
    "2026-03-10T13:30:00Z",
  ],
  ["Africa/Cairo, a day that begins at 1", "Africa/Cairo", "2026-04-23T21:30:00Z", "day", "2026-04-23T22:00:00Z"],
  [
    "Pacific/Apia, the day before the one that was skipped",
    "Pacific/Apia",
    "2011-12-30T09:00:00Z",
    "day",
    "2011-12-30T10:00:00Z",
  ],
  ["UTC, a leap day", "UTC", "2028-02-29T23:00:00Z", "month", "2028-03-01T00:00:00Z"],
  ["UTC, a year's end", "UTC", "2026-12-31T23:00:00Z", "month", "2027-01-01T00:00:00Z"],
  ["UTC, a week over a year's end", "UTC", "2026-12-31T23:00:00Z", "week", "2027-01-04T00:00:00Z"],
] as const;

/** Cases on hours, days, weeks and months. */
export function calendarWindows(stageOf: StageOf): void {
  describe("a calendar window", () => {
    it.each(ENDS)("of %s ends when its place says", async (_, timezone, start, window, end) => {
      const name = `roles.developer.tokens_per_${window}`;
      const stage = await stageOf(
        { timezone, limits: { [name]: 10 }, workspaces: { dev: { reservationTtlMs: 1e9 } } },
        start,
      );
      await stage.admit({ input: 10 });
      expect((await stage.refuse()).limits[name]).toMatchObject({ resetsAt: instant(end), freesAt: instant(end) });
      stage.clock.moveTo(instant(end) - 1);
      await stage.refuse();
      stage.clock.moveTo(end);
      expect(await stage.counted()).toEqual({ [name]: "0+0" });
      await stage.admit({ input: 10 });
    });

    const name = "roles.developer.tokens_per_day";
    const limits = { [name]: 10 };

    it("begins with nothing used and nothing reserved, though calls of the one before are open", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: { reservationTtlMs: 86_400_000 } } });
      const used = await stage.admit({ input: 4 });
      await stage.record({ reservation: used.grant.reservationId });
      await stage.admit({ input: 6 });
      stage.clock.moveTo("2026-03-11T00:00:00Z");
      expect(await stage.counted()).toEqual({ [name]: "0+0" });
    });

    it.each([
      ["settled", "open", "charge"],
      ["settled after it expired", "expired", "charge"],
      ["settled after it was given back", "expired", "release"],
    ] as const)("that is over is not what a call %s changes: only its cost", async (_, how, unsettled) => {
      const dev = { reservationTtlMs: how === "open" ? 86_400_000 : 60_000, unsettled };
      const stage = await stageOf({ limits: { [name]: 50 }, workspaces: { dev } }, "2026-03-10T23:59:00Z");
      const { grant } = await stage.admit({ input: 20 });
      stage.clock.moveTo("2026-03-11T00:05:00Z");
      await stage.admit({ input: 2 });
      const settled = await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 30 } });
      expect(settled).toMatchObject({ cost: 60, already: false, unreserved: how === "expired" });
      expect(await stage.counted()).toEqual({ [name]: "0+2" });
    });

    it("keeps calls apart that are alike but for the side of its end that they fell on", async () => {
      const stage = await stageOf(
        { limits: { [name]: 50 }, workspaces: { dev: { reservationTtlMs: 86_400_000 } } },
        "2026-03-10T23:59:59Z",
      );
      const before = await stage.admit({ input: 20 });
      stage.clock.advance(1_000);
      const after = await stage.admit({ input: 20 });
      await stage.record({ reservation: before.grant.reservationId, usage: { inputTokens: 30 } });
      expect(await stage.counted()).toEqual({ [name]: "0+20" });
      await stage.record({ reservation: after.grant.reservationId, usage: { inputTokens: 5 } });
      expect(await stage.counted()).toEqual({ [name]: "5+0" });
    });

    it("that is over is not what expiry or a release changes", async () => {
      const stage = await stageOf(
        { limits, workspaces: { dev: { reservationTtlMs: 600_000 } } },
        "2026-03-10T23:55:00Z",
      );
      const released = await stage.admit({ input: 3 });
      await stage.admit({ input: 4 });
      stage.clock.moveTo("2026-03-11T00:00:00Z");
      await stage.admit({ input: 5 });
      await stage.release(released.grant.reservationId);
      expect(await stage.counted()).toEqual({ [name]: "0+5" });
      stage.clock.moveTo("2026-03-11T00:05:00Z");
      expect(await stage.counted()).toEqual({ [name]: "0+5" });
    });

    it("never goes back, whatever calendar a call comes with", async () => {
      const stage = await stageOf({ limits }, "2026-03-10T23:59:59Z");
      const behind = new Calendar("Pacific/Pago_Pago");
      await stage.admit({ input: 9 });
      stage.clock.moveTo("2026-03-11T00:00:00Z");
      await stage.admit({ input: 7 });
      const late = { ...stage.reserveOf({ input: 4 }), calendar: behind };
      expect(await stage.store.reserve(late)).toMatchObject({
        kind: "refused",
        readings: [{ used: 0, reserved: 7, resetsAt: instant("2026-03-12T00:00:00Z") }],
      });
      expect(await stage.store.reserve({ ...late, worst: { ...late.worst, inputTokens: 3 } })).toMatchObject({
        kind: "admitted",
      });
      expect(await stage.counted()).toEqual({ [name]: "0+10" });
    });

    it("of an edited time zone keeps its counter and moves its end", async () => {
      const stage = await stageOf({ timezone: "Europe/Paris", limits });
      await stage.admit({ input: 8 });
      expect((await stage.read())[name]?.resetsAt).toBe(instant("2026-03-10T23:00:00Z"));
      stage.reload({ timezone: "America/New_York", limits });
      expect((await stage.read())[name]).toMatchObject({ reserved: 8, resetsAt: instant("2026-03-11T04:00:00Z") });
      stage.clock.moveTo("2026-03-10T23:30:00Z");
      await stage.refuse({ input: 3 });
      stage.clock.moveTo("2026-03-11T04:00:00Z");
      await stage.admit({ input: 10 });
    });

    it("stays open where an edited time zone says an earlier date, until that has passed", async () => {
      const stage = await stageOf({ timezone: "Pacific/Auckland", limits });
      await stage.admit({ input: 8 });
      stage.reload({ timezone: "America/New_York", limits });
      expect((await stage.read())[name]).toMatchObject({ reserved: 8, resetsAt: instant("2026-03-12T04:00:00Z") });
      stage.clock.moveTo("2026-03-11T12:00:00Z");
      await stage.refuse({ input: 3 });
      stage.clock.moveTo("2026-03-12T04:00:00Z");
      await stage.admit({ input: 10 });
    });

    it("of an edited time zone that says a later date begins at once", async () => {
      const stage = await stageOf({ timezone: "America/New_York", limits });
      const { grant } = await stage.admit({ input: 8 });
      stage.reload({ timezone: "Pacific/Auckland", limits });
      await stage.admit({ input: 10 });
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 500 } });
      expect(await stage.counted()).toEqual({ [name]: "0+10" });
    });

    it("of an hour keeps its counter over an edit of the time zone too", async () => {
      const hourly = { "roles.developer.tokens_per_hour": 10 };
      const stage = await stageOf({ timezone: "Asia/Kolkata", limits: hourly }, "2026-03-10T12:45:00Z");
      await stage.admit({ input: 8 });
      stage.reload({ timezone: "UTC", limits: hourly });
      expect((await stage.read())["roles.developer.tokens_per_hour"]).toMatchObject({
        reserved: 8,
        resetsAt: instant("2026-03-10T13:00:00Z"),
      });
      stage.clock.moveTo("2026-03-10T13:00:00Z");
      await stage.admit({ input: 10 });
    });
  });
}
