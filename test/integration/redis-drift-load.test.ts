import { beforeAll, beforeEach, expect, it } from "vitest";
import type { DriftReport } from "../../src/counters/redis/drift-report.js";
import { FakeClock } from "../support/fake-clock.js";
import { describeWith } from "../support/redis/describe-with.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import { seededRandom24 } from "../support/seeded-random.js";
import type { Stage } from "../support/stage.js";
import {
  checked,
  checkOn,
  LIMITS,
  type Line,
  LiveClock,
  lineTo,
  NOON,
  recordOf,
  stageOn,
  timeOf,
} from "./redis-drift-stage.js";

describeWith(["redis-server"], "DriftCheck under load", () => {
  let server: RedisServer;
  let line: Line;
  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    line = lineTo(server);
    await line.redis.flushall();
  });

  // So that calls end all through the life of what they reserved.
  const MS_A_CALL = 40;
  const FIRST_OPEN = 500;
  const MOST_OPEN = 1_500;

  /** Reserves, settles, releases and lets expire, many at a time; each call takes some time by a clock that is moved. */
  async function traffic(stage: Stage, ms: number, seed: number): Promise<number> {
    const random = seededRandom24(seed);
    const pick = (below: number) => random() % below;
    const open: string[] = [];
    const begin = async () => {
      const who = { as: `p${pick(20)}`, role: pick(3) === 0 ? "analyst" : "developer" };
      const ask = { ...who, workspace: pick(4) === 0 ? "prod" : "dev", input: 1 + pick(50), output: pick(50) };
      open.push((await stage.admit(ask)).grant.reservationId);
    };
    const finish = async () => {
      const [id = ""] = open.splice(pick(open.length), 1);
      const kind = pick(10);
      if (kind < 5) await stage.settle({ reservation: id, claimant: {}, usage: { inputTokens: pick(60) } });
      else if (kind < 7) await stage.settle({ reservation: id, claimant: {}, outcome: "failed" });
      else if (kind < 9) await stage.release(id, kind === 8);
      // The others are left to expire.
    };
    const step = () => {
      stage.clock.advance(MS_A_CALL);
      return open.length < MOST_OPEN && pick(100) < 51 ? begin() : finish();
    };
    for (let nth = 0; nth < FIRST_OPEN; nth++) await begin();
    let done = 0;
    for (const end = performance.now() + ms; performance.now() < end; done += 10) {
      await Promise.all(Array.from({ length: 10 }, step));
    }
    return done;
  }

  function busy(clock: FakeClock, devTtlMs: number, prodTtlMs: number): Stage {
    return stageOn(
      line,
      {
        limits: { ...LIMITS, "workspaces.prod.tokens_per_minute": 1e9, "organization.requests_per_second": 1e6 },
        workspaces: {
          dev: { reservationTtlMs: devTtlMs },
          prod: { reservationTtlMs: prodTtlMs, unsettled: "release" },
        },
      },
      clock,
    );
  }

  /** Check in a loop as long as calls come. */
  async function whileBusy(stage: Stage, leastTtlMs: number): Promise<readonly DriftReport[]> {
    const { clock } = stage;
    const check = checkOn(line, { leastTtlMs: () => leastTtlMs, ...timeOf(clock) });
    let isOver = false;
    const coming = traffic(stage, 2_500, 7).finally(() => {
      isOver = true;
    });
    const reports: DriftReport[] = [];
    while (!isOver) reports.push(await checked(check.run()));
    expect(await coming).toBeGreaterThan(2_000);
    return reports;
  }

  it("repairs nothing while calls reserve, settle, release and expire", async () => {
    const reports = await whileBusy(busy(new FakeClock(NOON), 120_000, 90_000), 90_000);
    expect(reports.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(500);
    expect(Math.max(...reports.map(({ open }) => open))).toBeGreaterThan(50);
    expect(reports.filter(({ differed }) => differed > 0)).toEqual([]);
  });

  it("repairs nothing by the server's own clock either", async () => {
    const reports = await whileBusy(busy(new LiveClock(NOON), 3_000, 2_000), 2_000);
    expect(reports.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(50);
    expect(reports.filter(({ differed }) => differed > 0)).toEqual([]);
  });

  it("repairs nothing where another replica's policy has a shorter ttl than this one's", async () => {
    const reports = await whileBusy(busy(new FakeClock(NOON), 120_000, 90_000), 900_000);
    expect(reports.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(100);
    expect(reports.filter(({ differed }) => differed > 0)).toEqual([]);
  });

  it("frees under load what deleted records held, and nothing of anyone else's", async () => {
    const stage = busy(new FakeClock(NOON), 900_000, 900_000);
    const check = checkOn(line, { time: () => stage.clock.now() });
    const lost: string[] = [];
    for (let nth = 0; nth < 20; nth++) lost.push(await recordOf(stage, { as: `q${nth}`, input: 1_000 }));
    await line.redis.del(...lost);
    stage.clock.advance(5_000);
    const coming = traffic(stage, 1_000, 11);
    const first = await checked(check.run());
    await coming;
    stage.clock.advance(450_000);
    const second = await checked(check.run());

    const repaired = [first, second].flatMap((report) => report.repaired);
    const ofMoney = repaired.filter(({ metric }) => metric === "usd");
    expect(ofMoney.reduce((sum, { taken }) => sum + taken, 0)).toBe(20 * 2_000);
    expect(repaired.filter(({ added }) => added > 0)).toEqual([]);
    for (const { reservationId } of await stage.open()) await stage.release(reservationId);
    for (const as of ["ann", "q0", "p0", "p7"]) {
      expect(Object.entries(await stage.counted({ as })).filter(([, counted]) => !/\+0$/.test(counted))).toEqual([]);
    }
  });
});
