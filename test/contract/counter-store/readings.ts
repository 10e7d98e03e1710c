import { describe, expect, it } from "vitest";
import { instant } from "../../support/fake-clock.js";
import type { StageOf } from "./stage-of.js";

/** Cases on what is read. */
export function readings(stageOf: StageOf): void {
  describe("a reading", () => {
    it("is there for every counter in the policy's order, touched or not, and reading changes nothing", async () => {
      const limits = {
        "organization.usd_per_month": 1,
        "workspaces.dev.requests_per_week": 2,
        "workspaces.dev.tokens_per_request": 100,
        "roles.developer.tokens_per_second": 3,
        "principals.ann.concurrent_requests": 4,
        "principals.ann.tokens_per_hour": { ceiling: 5, shadow: true },
      };
      const stage = await stageOf({ limits });
      const empty = { used: 0, reserved: 0, refuses: false, freesAt: undefined };
      for (let times = 0; times < 2; times++) {
        expect(Object.entries(await stage.read())).toEqual([
          ["organization.usd_per_month", { ...empty, resetsAt: instant("2026-04-01T00:00:00Z") }],
          ["workspaces.dev.requests_per_week", { ...empty, resetsAt: instant("2026-03-16T00:00:00Z") }],
          ["roles.developer.tokens_per_second", { ...empty, resetsAt: stage.clock.now() }],
          ["principals.ann.concurrent_requests", { ...empty, resetsAt: undefined }],
          ["principals.ann.tokens_per_hour", { ...empty, resetsAt: instant("2026-03-10T13:00:00Z") }],
        ]);
      }
    });

    it("comes with an admission where it is asked for, and holds what was just reserved", async () => {
      const stage = await stageOf({ limits: { "roles.developer.tokens_per_day": 10 } });
      expect((await stage.admit({ input: 4 })).readings).toBeUndefined();
      expect((await stage.admit({ input: 6, readAll: true })).readings).toEqual([
        { used: 0, reserved: 10, resetsAt: instant("2026-03-11T00:00:00Z"), refuses: false, freesAt: undefined },
      ]);
    });

    it("is the same through an account that was opened before and one that was opened since", async () => {
      const stage = await stageOf({ limits: { "roles.developer.tokens_per_day": 10 } });
      const before = stage.account();
      await stage.admit({ input: 4 });
      stage.reload({ limits: { "roles.developer.tokens_per_day": 10 } });
      await stage.admit({ input: 3 });
      const { clock, calendar } = stage;
      expect(await stage.store.read(before, calendar, clock.now())).toEqual(
        await stage.store.read(stage.account(), calendar, clock.now()),
      );
    });

    it("frees by what ends first: an expiry that gives back, a step that slides out, or the window", async () => {
      const limits = { "roles.developer.tokens_per_minute": 10, "roles.developer.tokens_per_hour": 10 };
      const dev = { unsettled: "release", reservationTtlMs: 20_000 } as const;
      const stage = await stageOf({ limits, workspaces: { dev } }, "2026-03-10T12:59:48Z");
      const { grant } = await stage.admit({ input: 3 });
      stage.reload({ limits });
      await stage.admit({ input: 7 });
      const frees = async (input: number) =>
        Object.values((await stage.refuse({ input })).limits).map(({ freesAt }) => freesAt);
      expect(grant.expiresAt).toBe(instant("2026-03-10T13:00:10Z"));
      expect(await frees(3)).toEqual([grant.expiresAt, instant("2026-03-10T13:00:00Z")]);
      expect(await frees(4)).toEqual([instant("2026-03-10T13:00:54Z"), instant("2026-03-10T13:00:00Z")]);
    });

    it("does not free by what a charge at expiry keeps", async () => {
      const stage = await stageOf({ limits: { "roles.developer.tokens_per_day": 10 } });
      await stage.admit({ input: 10 });
      expect((await stage.refuse()).limits["roles.developer.tokens_per_day"]?.freesAt).toBe(
        instant("2026-03-11T00:00:00Z"),
      );
    });
  });
}
