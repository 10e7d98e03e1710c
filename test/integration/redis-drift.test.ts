import { beforeAll, beforeEach, expect, it } from "vitest";
import { FakeClock } from "../support/fake-clock.js";
import type { PolicyWords } from "../support/policy-words.js";
import { describeWith } from "../support/redis/describe-with.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import {
  checked,
  checkOn,
  heldOn,
  keys,
  type Line,
  lineTo,
  NOON,
  recordOf,
  stageOn,
  timeOf,
} from "./redis-drift-stage.js";

const ANALYST = { as: "bea", role: "analyst" };

describeWith(["redis-server"], "DriftCheck", () => {
  let server: RedisServer;
  let line: Line;
  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    line = lineTo(server);
    await line.redis.flushall();
  });

  it("says how many reservations are open, and finds nothing where nothing differs", async () => {
    const { clock, stage, check } = heldOn(line);
    await stage.admit({ input: 20 });
    clock.advance(1_800_000);
    await stage.admit({ input: 10, output: 5 });
    await stage.admit({ ...ANALYST, input: 7 });
    const settled = await stage.admit({ input: 3 });
    await stage.record({ reservation: settled.grant.reservationId });
    expect(await check.run()).toEqual({
      kind: "checked",
      open: 2,
      compared: 5 + 4,
      differed: 0,
      repaired: [],
      limits: [],
    });
  });

  it("frees in every counter what a deleted record held, and nothing else", async () => {
    const { stage, check } = heldOn(line);
    const kept = await stage.admit({ input: 10, output: 5 });
    const others = [await stage.counted(), await stage.counted(ANALYST)];
    const lost = [
      await recordOf(stage, { input: 100, output: 50 }),
      await recordOf(stage, { ...ANALYST, input: 40, output: 1 }),
    ];
    await line.redis.del(...lost);

    const report = await checked(check.run());
    expect(Object.fromEntries(report.repaired.map(({ metric, taken, added }) => [metric, [taken, added]]))).toEqual({
      usd: [350 + 83, 0],
      concurrent_requests: [3, 0],
      tokens: [150 + 41 + 150, 0],
      output_tokens: [51, 0],
      requests: [2, 0],
      input_tokens: [100, 0],
    });
    expect([await stage.counted(), await stage.counted(ANALYST)]).toEqual(others);
    expect((await checked(check.run())).differed).toBe(0);

    await stage.record({ reservation: kept.grant.reservationId, outcome: "failed" });
    expect(Object.values(await stage.counted()).filter((counted) => !/^[01]\+0$/.test(counted))).toEqual([]);
  });

  it("refills every counter that was deleted by what open reservations hold, so that they settle to zero", async () => {
    const { stage, check } = heldOn(line);
    const grants = [await stage.admit({ input: 10, output: 5 }), await stage.admit({ input: 1, output: 2 })];
    const analysts = await stage.admit({ ...ANALYST, input: 7 });
    const before = [await stage.counted(), await stage.counted(ANALYST)];
    for (const key of [keys.shared, keys.own("ann")]) {
      for (const field of await line.redis.hkeys(key)) if (field !== "#") await line.redis.hdel(key, field);
    }

    const report = await checked(check.run());
    expect(report.differed).toBe(5 + 4);
    expect(report.repaired.every(({ taken, added }) => taken === 0 && added > 0)).toBe(true);
    expect([await stage.counted(), await stage.counted(ANALYST)]).toEqual(before);
    for (const { grant } of grants) await stage.record({ reservation: grant.reservationId, outcome: "failed" });
    await stage.record({ reservation: analysts.grant.reservationId, ...ANALYST, outcome: "failed" });
    expect(Object.values(await stage.counted()).filter((counted) => !/^[0-3]\+0$/.test(counted))).toEqual([]);
    expect((await checked(check.run())).differed).toBe(0);
  });

  it("refills a principal's hash that was deleted whole, and lets it expire again", async () => {
    const { stage, check } = heldOn(line);
    const { grant } = await stage.admit({ input: 10, output: 5 });
    const before = await stage.counted();
    const lifetime = await line.redis.pttl(keys.own("ann"));
    await line.redis.del(keys.own("ann"));
    expect((await checked(check.run())).differed).toBe(4);
    expect(await stage.counted()).toEqual(before);
    expect(Math.abs((await line.redis.pttl(keys.own("ann"))) - lifetime)).toBeLessThan(10_000);
    await stage.record({ reservation: grant.reservationId });
    expect(await stage.counted()).toMatchObject({ "roles.developer.tokens_per_hour": "15+0" });
  });

  it("refills the shared hash as far as it can know, once calls have made it anew", async () => {
    const { stage, check } = heldOn(line);
    await stage.admit({ input: 10, output: 5 });
    await line.redis.del(keys.shared);
    await check.run();
    expect(await line.redis.pttl(keys.shared)).toBeGreaterThan(0);
    await stage.admit({ input: 1 });
    await check.run();
    expect(await stage.counted()).toMatchObject({
      "organization.usd_per_month": "0+37",
      "organization.concurrent_requests": "0+2",
      "workspaces.dev.tokens_per_minute": "0+16",
    });
  });

  it("leaves a sliding counter that lets through what fits and no more, after taking and after adding", async () => {
    const { clock, stage, check } = heldOn(line, {}, { limits: { "workspaces.dev.tokens_per_minute": 100 } });
    await stage.admit({ input: 60 });
    await line.redis.del(await recordOf(stage, { input: 40 }));
    await stage.refuse({ input: 1 });
    expect(await check.run()).toMatchObject({ repaired: [{ metric: "tokens", taken: 40, added: 0 }] });
    await stage.refuse({ input: 41 });
    expect(await stage.reserve({ input: 40, dryRun: true })).toMatchObject({ kind: "would_admit" });

    await line.redis.hdel(keys.shared, "tm dev");
    expect(await check.run()).toMatchObject({ repaired: [{ metric: "tokens", taken: 0, added: 60 }] });
    await stage.refuse({ input: 41 });
    await stage.admit({ input: 40 });
    clock.advance(66_000);
    await stage.admit({ input: 100 });
  });

  it("adds to what was counted after a counter was deleted", async () => {
    const { stage, check } = heldOn(
      line,
      {},
      { limits: { "workspaces.dev.tokens_per_day": 1e9, "principals.ann.tokens_per_minute": 1e9 } },
    );
    await stage.admit({ input: 60 });
    await line.redis.del(keys.own("ann"));
    await line.redis.hdel(keys.shared, "td dev");
    await stage.admit({ input: 7 });
    await stage.charge({ request: "once", amounts: { inputTokens: 3 } });
    expect((await checked(check.run())).differed).toBe(2);
    expect(await stage.counted()).toEqual({
      "workspaces.dev.tokens_per_day": "3+67",
      "principals.ann.tokens_per_minute": "3+67",
    });
  });

  it("leaves windows alone that are over, whether or not their counters are still there", async () => {
    const { clock, stage, check } = heldOn(line, {}, { limits: { "principals.ann.tokens_per_hour": 1e9 } });
    clock.moveTo("2026-03-10T12:55:00Z");
    await stage.admit({ input: 10 });
    await line.redis.hdel(keys.own("ann"), "th");
    clock.moveTo("2026-03-10T13:05:00Z");
    expect(await check.run()).toMatchObject({ open: 1, compared: 0, differed: 0 });
    await stage.admit({ input: 3 });
    expect(await check.run()).toMatchObject({ open: 2, compared: 0, differed: 0 });
    expect(await stage.counted()).toEqual({ "principals.ann.tokens_per_hour": "0+3" });
  });

  it("starts a counter anew that was put back to a window before, and leaves one alone that is ahead", async () => {
    const { stage, check } = heldOn(line, {}, { limits: { "principals.ann.tokens_per_day": 1e9 } });
    await stage.admit({ input: 10 });
    const cell = await line.redis.hgetBuffer(keys.own("ann"), "td");
    const moved = (days: number) => {
      const other = Buffer.alloc(12);
      other.writeUInt32LE((cell?.readUInt32LE(0) ?? 0) + days, 0);
      other.writeDoubleLE(50, 4);
      return other;
    };
    await line.redis.hset(keys.own("ann"), "td", moved(1));
    expect(await check.run()).toMatchObject({ kind: "checked", differed: 0 });
    expect(await line.redis.hgetBuffer(keys.own("ann"), "td")).toEqual(moved(1));

    await line.redis.hset(keys.own("ann"), "td", moved(-1));
    expect(await check.run()).toMatchObject({ kind: "checked", differed: 1 });
    expect(await stage.counted()).toEqual({ "principals.ann.tokens_per_day": "0+10" });
  });

  it("allows for half a second by which the server's clock may be set back unseen", async () => {
    const clock = new FakeClock(NOON);
    const stage = stageOn(line, { limits: { "organization.tokens_per_day": 1e9 } }, clock);
    const check = checkOn(line, timeOf(clock));
    await stage.admit({ input: 10 });
    clock.advance(500);
    expect(await check.run()).toMatchObject({ compared: 0 });
    clock.advance(1);
    expect(await check.run()).toMatchObject({ compared: 1 });
  });

  it("compares only what ends before any new reservation can, and the rest once its time has come", async () => {
    const words: PolicyWords = {
      limits: { "organization.tokens_per_day": 1e9 },
      workspaces: { dev: { reservationTtlMs: 60_000 }, prod: { reservationTtlMs: 3_600_000 } },
    };
    const { clock, stage, check } = heldOn(line, { leastTtlMs: () => 60_000 }, words);
    const lost = await recordOf(stage, { input: 5, workspace: "prod" });
    const { expiresAt } = (await stage.admit({ input: 7, workspace: "prod" })).grant;
    await line.redis.del(lost);
    expect(await check.run()).toMatchObject({ open: 1, compared: 0, differed: 0 });
    clock.moveTo(expiresAt - 35_000);
    await stage.admit({ input: 11 });
    expect(await check.run()).toMatchObject({ open: 2, compared: 1, differed: 1 });
    expect(await stage.counted()).toEqual({ "organization.tokens_per_day": "0+18" });
  });
});
