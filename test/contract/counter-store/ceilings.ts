import { describe, expect, it } from "vitest";
import type { StageOf } from "./stage-of.js";

const DAILY = "roles.developer.tokens_per_day";

/** Cases on what a ceiling lets through, and on several counters at once. */
export function ceilings(stageOf: StageOf): void {
  describe("a ceiling", () => {
    it("lets through what fits exactly, and not one unit more", async () => {
      const stage = await stageOf({ limits: { [DAILY]: 10 } });
      await stage.admit({ input: 4, output: 2 });
      await stage.refuse({ input: 5 });
      await stage.admit({ input: 4 });
      await stage.refuse({ input: 1 });
      expect(await stage.counted()).toEqual({ [DAILY]: "0+10" });
    });

    it("has room for 10 of 200 that come at once", async () => {
      const stage = await stageOf({ limits: { "organization.requests_per_hour": 10 } });
      const results = await Promise.all(Array.from({ length: 200 }, (_, i) => stage.reserve({ as: `caller-${i}` })));
      expect(results.filter(({ kind }) => kind === "admitted")).toHaveLength(10);
      expect(await stage.counted()).toEqual({ "organization.requests_per_hour": "0+10" });
    });

    it("has room for exactly what fits of many that come at once with different amounts", async () => {
      const stage = await stageOf({ limits: { [DAILY]: 100 } });
      const sizes = Array.from({ length: 60 }, (_, i) => (i * 7) % 13);
      const results = await Promise.all(sizes.map((input) => stage.reserve({ input })));
      const admitted = sizes.filter((_, i) => results[i]?.kind === "admitted");
      const refused = sizes.filter((_, i) => results[i]?.kind === "refused");
      const sum = admitted.reduce((total, size) => total + size, 0);
      expect(sum).toBeLessThanOrEqual(100);
      expect(Math.min(...refused)).toBeGreaterThan(100 - sum);
      expect(await stage.counted()).toEqual({ [DAILY]: `0+${sum}` });
    });

    it.each([
      ["requests", 1],
      ["tokens", 11],
      ["input_tokens", 7],
      ["output_tokens", 4],
      ["usd", 26],
    ])("counts %s by what the call asks for", async (metric, charge) => {
      const name = `roles.developer.${metric}_per_day`;
      const stage = await stageOf({ limits: { [name]: 100 } });
      await stage.admit({ input: 7, output: 4 });
      expect(await stage.counted()).toEqual({ [name]: `0+${charge}` });
    });

    it("of 0 refuses always, also a charge of 0, and never frees", async () => {
      const stage = await stageOf({ limits: { [DAILY]: 0, "roles.developer.requests_per_second": 100 } });
      const { limits } = await stage.refuse({ input: 0 });
      expect(limits[DAILY]).toMatchObject({ refuses: true, freesAt: undefined });
      stage.clock.advance(40 * 86_400_000);
      await stage.refuse({ input: 0 });
      await stage.refuse({ input: 1 });
    });

    it.each(["requests_per_second", "output_tokens_per_minute", "usd_per_month", "concurrent_requests"])(
      "of 0 on %s refuses too",
      async (key) => {
        const stage = await stageOf({ limits: { [`roles.developer.${key}`]: 0 } });
        const { limits } = await stage.refuse({ input: 0 });
        expect(limits[`roles.developer.${key}`]).toMatchObject({ refuses: true, freesAt: undefined });
      },
    );

    it.each(["tokens_per_second", "tokens_per_minute", "tokens_per_hour", "tokens_per_month"])(
      "of %s never frees for a charge above it, whatever is counted",
      async (key) => {
        const name = `roles.developer.${key}`;
        const stage = await stageOf({ limits: { [name]: 10 } });
        expect((await stage.refuse({ input: 11 })).limits[name]?.freesAt).toBeUndefined();
        await stage.admit({ input: 3 });
        expect((await stage.refuse({ input: 11 })).limits[name]?.freesAt).toBeUndefined();
        expect((await stage.refuse({ input: 10 })).limits[name]?.freesAt).toBeGreaterThan(stage.clock.now());
      },
    );

    it("that is full lets a charge of 0 through, and that is passed does not", async () => {
      const stage = await stageOf({ limits: { [DAILY]: 10 } });
      const { grant } = await stage.admit({ input: 10 });
      await stage.admit({ input: 0 });
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 11 } });
      expect(await stage.counted()).toEqual({ [DAILY]: "11+0" });
      await stage.refuse({ input: 0 });
    });
  });

  describe("several counters", () => {
    const limits = {
      "organization.requests_per_month": 5,
      "workspaces.dev.tokens_per_minute": 20,
      "roles.developer.usd_per_hour": 30,
      "principals.ann.concurrent_requests": 5,
    };

    it("all take an admission, each in its own metric", async () => {
      const stage = await stageOf({ limits });
      await stage.admit({ input: 3, output: 2 });
      expect(await stage.counted()).toEqual({
        "organization.requests_per_month": "0+1",
        "workspaces.dev.tokens_per_minute": "0+5",
        "roles.developer.usd_per_hour": "0+12",
        "principals.ann.concurrent_requests": "0+1",
      });
    });

    it.each([
      ["the first", { ...limits, "organization.requests_per_month": 0 }],
      ["one amid the others", { ...limits, "roles.developer.usd_per_hour": 3 }],
      ["the last", { ...limits, "principals.ann.concurrent_requests": 0 }],
    ])("all stay as they were when %s refuses", async (_, narrowed) => {
      const stage = await stageOf({ limits });
      await stage.admit({ input: 2 });
      const before = await stage.counted();
      stage.reload({ limits: narrowed });
      await stage.refuse({ input: 2 });
      expect(await stage.counted()).toEqual(before);
      stage.clock.advance(900_000 * 2);
      expect(Object.values(await stage.counted())).toEqual(["1+0", "0+0", "4+0", "0+0"]);
    });

    it("are read on refusal in the policy's order, and those that refused say so", async () => {
      const stage = await stageOf({ limits });
      await stage.admit({ input: 10 });
      const refused = await stage.refuse({ input: 11 });
      expect(Object.keys(refused.limits)).toEqual(Object.keys(limits));
      expect(Object.values(refused.limits).map(({ refuses }) => refuses)).toEqual([false, true, true, false]);
      expect(Object.values(refused.limits).map(({ reserved }) => reserved)).toEqual([1, 10, 20, 1]);
    });
  });

  describe("a scope", () => {
    const roles = { developer: {}, analyst: {} };
    const workspaces = { dev: {}, prod: {} };
    const asks = [
      { as: "ann" },
      { as: "bob" },
      { as: "ann", role: "analyst" },
      { as: "ann", workspace: "prod" },
    ] as const;

    it.each([
      ["the organization is everyone's", "organization.requests_per_day", ["0+4", "0+4", "0+4", "0+4"]],
      ["a workspace is its callers'", "workspaces.dev.requests_per_day", ["0+3", "0+3", "0+3", undefined]],
      [
        "a role is each principal's, in each workspace",
        "roles.developer.requests_per_day",
        ["0+1", "0+1", undefined, "0+1"],
      ],
    ])("of %s", async (_, name, expected) => {
      const stage = await stageOf({ limits: { [name]: 9 }, roles, workspaces });
      for (const ask of asks) await stage.admit(ask);
      const counted = await Promise.all(asks.map(async (ask) => (await stage.counted(ask))[name]));
      expect(counted).toEqual(expected);
    });

    it("of a shared role is all its principals', in each workspace", async () => {
      const name = "roles.developer.requests_per_day";
      const stage = await stageOf({ limits: { [name]: { ceiling: 9, shared: true } }, roles, workspaces });
      for (const ask of asks) await stage.admit(ask);
      const counted = await Promise.all(asks.map(async (ask) => (await stage.counted(ask))[name]));
      expect(counted).toEqual(["0+2", "0+2", undefined, "0+1"]);
    });

    it("of a principal is that one's alone", async () => {
      const name = "principals.ann.requests_per_day";
      const stage = await stageOf({ limits: { [name]: 9, "principals.an.requests_per_day": 9 } });
      await stage.admit({ as: "ann" });
      expect(await stage.counted({ as: "ann" })).toEqual({ [name]: "0+1" });
      expect(await stage.counted({ as: "an" })).toEqual({ "principals.an.requests_per_day": "0+0" });
    });

    it("is not another's whose names run together alike", async () => {
      const limits = {
        "roles.b_c.requests_per_day": 9,
        "roles.c.requests_per_day": 9,
        "roles.a.requests_per_day": { ceiling: 9, shared: true },
      };
      const stage = await stageOf({ limits, workspaces: { a: {}, a_b: {}, c: {} } });
      await stage.admit({ workspace: "a", role: "b_c", as: "d" });
      await stage.admit({ workspace: "c", role: "a", as: "d" });
      expect(await stage.counted({ workspace: "a_b", role: "c", as: "d" })).toEqual({
        "roles.c.requests_per_day": "0+0",
      });
      expect(await stage.counted({ workspace: "a", role: "b_c", as: "d" })).toEqual({
        "roles.b_c.requests_per_day": "0+1",
      });
      expect(await stage.counted({ workspace: "c", role: "a", as: "e" })).toEqual({
        "roles.a.requests_per_day": "0+1",
      });
    });
  });
}
