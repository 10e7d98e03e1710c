import { beforeAll, beforeEach, expect, it } from "vitest";
import type { DriftCheck } from "../../src/counters/redis/drift.js";
import type { DriftResult } from "../../src/counters/redis/drift-report.js";
import { inTime } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import { checked, checkOn, heldOn, keys, type Line, lineTo, recordOf, scripts } from "./redis-drift-stage.js";

describeWith(["redis-server"], "DriftCheck, where things happen meanwhile,", () => {
  let server: RedisServer;
  let line: Line;
  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    line = lineTo(server);
    await line.redis.flushall();
  });

  it("takes back what it added too much, where some of it was settled before it could add it", async () => {
    const { stage, check } = heldOn(line, {}, { limits: { "workspaces.dev.tokens_per_day": 1e9 } });
    const { grant } = await stage.admit({ input: 30 });
    await stage.admit({ input: 70 });
    await line.redis.hdel(keys.shared, "td dev");
    let isFirst = true;
    line.before = async ({ sha }) => {
      if (sha !== scripts.repair.sha || !isFirst) return;
      isFirst = false;
      await stage.record({ reservation: grant.reservationId });
    };
    const report = await checked(check.run());
    expect(report.repaired).toEqual([{ metric: "tokens", taken: 30, added: 100 }]);
    expect(await stage.counted()).toEqual({ "workspaces.dev.tokens_per_day": "30+70" });
  });

  it("changes nothing once its lease is another's", async () => {
    const { stage, check } = heldOn(line);
    await line.redis.del(await recordOf(stage, { input: 100 }));
    const before = await stage.counted();
    line.before = async ({ sha }) => sha === scripts.repair.sha && line.redis.set(keys.lease, "other");
    expect(await check.run()).toEqual({ kind: "elsewhere" });
    expect(await stage.counted()).toEqual(before);
    expect(await line.redis.get(keys.lease)).toBe("other");
  });

  it("keeps its lease as long as it runs", async () => {
    const { stage, check } = heldOn(line, { leaseMs: 300, pauseMs: 50 });
    await line.redis.del(await recordOf(stage, { input: 100 }));
    const started = performance.now();
    const left: number[] = [];
    line.before = async ({ sha }) => sha === scripts.repair.sha && left.push(await line.redis.pttl(keys.lease));
    expect((await checked(check.run())).differed).toBeGreaterThan(0);
    expect(performance.now() - started).toBeGreaterThan(300);
    expect(left).toHaveLength(1);
    expect(left[0]).toBeGreaterThan(0);
  });

  it("acts on nothing that it saw once only", async () => {
    const { stage, check } = heldOn(line);
    const record = await recordOf(stage, { input: 100 });
    const before = await stage.counted();
    let walks = 0;
    line.before = async ({ sha }, [, what]) => {
      if (sha !== scripts.walk.sha || what !== "records") return;
      walks++;
      if (walks === 1) await line.redis.rename(record, "elsewhere");
      else await line.redis.rename("elsewhere", record);
    };
    expect((await checked(check.run())).differed).toBe(0);
    expect(walks).toBe(2);
    expect(await stage.counted()).toEqual(before);
  });

  it("does not take for the same what it saw too much of once, and too little of then", async () => {
    const { stage, check } = heldOn(line, {}, { limits: { "workspaces.dev.tokens_per_day": 1e9 } });
    const record = await recordOf(stage, { input: 100 });
    let looks = 0;
    line.before = async ({ sha }, args) => {
      // Each look begins with one that reads no cell.
      if (sha !== scripts.look.sha || args.length > 1) return;
      looks++;
      if (looks === 1) await line.redis.rename(record, "elsewhere");
      if (looks !== 2) return;
      await line.redis.rename("elsewhere", record);
      await line.redis.hdel(keys.shared, "td dev");
    };
    expect((await checked(check.run())).differed).toBe(0);
    expect((await checked(check.run())).repaired).toEqual([{ metric: "tokens", taken: 0, added: 100 }]);
  });

  it.each([
    ["has ended", 1_200_000, "organization.tokens_per_day"],
    ["is of a window that has turned", 590_000, "organization.tokens_per_hour"],
    ["has slid out", 66_000, "organization.tokens_per_minute"],
  ])("changes no lot that %s before it could", async (_, ms, limit) => {
    const { clock, stage, check } = heldOn(line, {}, { limits: { [limit]: 1e9 } });
    clock.moveTo("2026-03-10T12:52:30Z");
    await line.redis.del(await recordOf(stage, { input: 100 }));
    let looks = 0;
    let repairs = 0;
    line.before = async ({ sha }) => {
      if (sha === scripts.repair.sha) repairs++;
      // The last one before the repair; it has been told the time already.
      if (sha === scripts.look.sha && ++looks === 5) clock.advance(ms);
    };
    const [field = ""] = (await line.redis.hkeys(keys.shared)).filter((name) => name !== "#");
    const before = await line.redis.hgetBuffer(keys.shared, field);
    expect((await checked(check.run())).differed).toBe(0);
    expect(repairs).toBe(1);
    expect(await line.redis.hgetBuffer(keys.shared, field)).toEqual(before);
  });

  it("gives up where the server's clock goes back", async () => {
    const { clock, stage } = heldOn(line);
    await stage.admit({ input: 100 });
    let asked = 0;
    const time = () => clock.now() - asked++;
    const result = await checkOn(line, { time }).run();
    expect(result).toMatchObject({ kind: "away", cause: { message: "the server's clock went back" } });
  });

  it("gives up where another server answers than the one that it began with", async () => {
    const { stage, check } = heldOn(line);
    await stage.admit({ input: 100 });
    const other = lineTo(await startRedis());
    const run = line.run.bind(line);
    const between: Line = {
      ...line,
      run: (script, names, args) => {
        const isLate = args.some((arg) => arg === "records");
        return isLate ? other.run(script, names, args) : run(script, names, args);
      },
    };
    const result = await checkOn(between, { time: () => stage.clock.now() + 5_000 }).run();
    expect(result).toMatchObject({ kind: "away", cause: { message: "another server answers than before" } });
    expect((await checked(check.run())).differed).toBe(0);
  });

  it("is away where the store is, and where it fails", async () => {
    const { check } = heldOn(line);
    const cause = new Error("not connected");
    expect(await checkOn({ ...line, away: () => ({ kind: "away", cause }) }).run()).toEqual({ kind: "away", cause });
    await line.redis.set(keys.shared, "no hash");
    expect(await check.run()).toMatchObject({ kind: "away", cause: { message: /WRONGTYPE/ } });
    expect(await line.redis.exists(keys.lease)).toBe(0);
  });

  it("looks in one place at a time", async () => {
    const { stage, check } = heldOn(line);
    await line.redis.del(await recordOf(stage, { input: 100 }));
    const second = checkOn(line, { time: () => stage.clock.now() + 5_000, seed: 3 });
    const results = await Promise.all([check.run(), second.run()]);
    expect(results.map(({ kind }) => kind).sort()).toEqual(["checked", "elsewhere"]);
    expect(await stage.counted()).toMatchObject({ "workspaces.dev.tokens_per_minute": "0+0" });
    expect(await second.run()).toMatchObject({ kind: "checked", differed: 0 });
  });

  it("runs again and again once started, and lets go when it is stopped", async () => {
    const { stage } = heldOn(line);
    await line.redis.del(await recordOf(stage, { input: 100 }));
    const results: DriftResult[] = [];
    let check: DriftCheck | undefined;
    await inTime(
      10_000,
      "the third report",
      new Promise<void>((resolve) => {
        const report = (result: DriftResult) => {
          results.push(result);
          if (results.length === 3) resolve();
        };
        check = checkOn(line, { time: () => stage.clock.now() + 5_000, report, firstMs: 1, everyMs: 1 });
        check.start();
      }),
    );
    await check?.stop();
    const known = results.length;
    expect(results.map((result) => result.kind === "checked" && result.differed > 0)).toEqual([true, false, false]);
    expect(await line.redis.exists(keys.lease)).toBe(0);
    expect(await check?.run()).toMatchObject({ kind: "away", cause: { message: "the check was stopped" } });
    expect(results.length).toBe(known);
  });
});
