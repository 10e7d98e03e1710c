import { describe, expect, it } from "vitest";
import { MemoryStore } from "../../../../src/counters/memory/memory-store.js";
import { FakeClock } from "../../../support/fake-clock.js";
import type { PolicyWords } from "../../../support/policy-words.js";
import { seededRandom24 } from "../../../support/seeded-random.js";
import { Stage } from "../../../support/stage.js";

function stageOf(words: PolicyWords) {
  const store = new MemoryStore(seededRandom24(1));
  const stage = new Stage(store, new FakeClock("2026-03-10T12:00:00Z"), words);
  return {
    store,
    stage,
    stats: () => store.stats(stage.clock.now()),
    sweep: (count: number) => store.sweep(count, stage.calendar, stage.clock.now()),
  };
}

const limits = { "roles.developer.tokens_per_day": 100, "roles.developer.concurrent_requests": 100 };

describe("MemoryStore", () => {
  it("refuses an account that another store opened", () => {
    const one = stageOf({ limits });
    const other = stageOf({ limits });
    expect(() =>
      one.store.reserve({ ...one.stage.reserveOf(), account: { caller: other.stage.account().caller } }),
    ).toThrow("an account is good for the store that opened it only");
  });

  it("says how much it holds", async () => {
    const { stage, stats } = stageOf({ limits });
    expect(stats()).toEqual({ open: 0, expired: 0, remembered: 0, counters: 0 });
    const settled = await stage.admit();
    const early = await stage.admit({ as: "bob" });
    await stage.record({ reservation: settled.grant.reservationId });
    await stage.charge({ request: "r-1" });
    expect(stats()).toEqual({ open: 1, expired: 0, remembered: 3, counters: 4 });
    stage.clock.moveTo(early.grant.expiresAt);
    expect(stats()).toMatchObject({ open: 0, expired: 1 });
  });

  it("ends what ends first, in whatever order it was made", async () => {
    const workspaces = {
      slow: { reservationTtlMs: 3_600_000 },
      fast: { reservationTtlMs: 1_000 },
      mid: { reservationTtlMs: 60_000 },
    };
    const { stage, stats } = stageOf({ limits: {}, workspaces });
    for (const workspace of ["slow", "fast", "mid"]) await stage.admit({ workspace });
    const left: number[] = [];
    for (const ms of [1_500, 90_000, 5_400_000]) {
      stage.clock.advance(ms);
      left.push(stats().open);
    }
    expect(left).toEqual([2, 1, 0]);
  });

  it("makes no counter for whoever only reads", async () => {
    const { stage, stats } = stageOf({ limits });
    await stage.read({ as: "nobody" });
    expect(stats().counters).toBe(0);
  });

  it("drops counters that count nothing, looking at so many at a time, and goes on where it left off", async () => {
    const { stage, stats, sweep } = stageOf({
      limits: { "roles.developer.tokens_per_second": 9, "organization.tokens_per_month": 99 },
    });
    for (let i = 0; i < 9; i++) await stage.admit({ as: `caller-${i}` });
    expect(stats().counters).toBe(10);
    stage.clock.advance(1_100);
    sweep(4);
    expect(stats().counters).toBeGreaterThanOrEqual(6);
    expect(stats().counters).toBeLessThan(10);
    sweep(6);
    expect(stats().counters).toBe(1);
    expect(await stage.counted({ as: "caller-3" })).toEqual({
      "organization.tokens_per_month": "0+9",
      "roles.developer.tokens_per_second": "0+0",
    });
  });

  it("keeps counters that hold something, used or reserved", async () => {
    const { stage, stats, sweep } = stageOf({ limits });
    const { grant } = await stage.admit({ input: 5 });
    sweep(100);
    expect(stats().counters).toBe(2);
    await stage.record({ reservation: grant.reservationId });
    sweep(100);
    expect(stats().counters).toBe(1);
    expect(await stage.counted()).toEqual({
      "roles.developer.tokens_per_day": "5+0",
      "roles.developer.concurrent_requests": "0+0",
    });
  });

  it("goes on counting for an account whose counters were dropped, and for a call that held nothing of them", async () => {
    const { stage, sweep } = stageOf({ limits: { "roles.developer.tokens_per_day": 10 } });
    const { grant } = await stage.admit({ input: 0 });
    await stage.admit({ input: 0, as: "bob" });
    sweep(100);
    await stage.admit({ input: 2, as: "cy" });
    await stage.admit({ input: 3, as: "bob" });
    await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 7 } });
    const counted = await Promise.all(
      ["ann", "bob", "cy"].map(async (as) => Object.values(await stage.counted({ as }))),
    );
    expect(counted).toEqual([["7+0"], ["0+3"], ["0+2"]]);
    await stage.refuse({ input: 4 });
  });

  it("drops what is no longer remembered little by little under load, without a sweep", async () => {
    const { stage, stats } = stageOf({ limits: {} });
    for (let i = 0; i < 50; i++) await stage.record({ reservation: (await stage.admit()).grant.reservationId });
    expect(stats().remembered).toBe(50);
    stage.clock.advance(600_000);
    for (let i = 0; i < 50; i++) await stage.admit();
    expect(stats()).toMatchObject({ open: 50, remembered: 50 });
  });
});
