import { Redis } from "ioredis";
import { beforeAll, expect, it } from "vitest";
import { runScript } from "../../src/counters/redis/client.js";
import { Keys } from "../../src/counters/redis/keys.js";
import { RedisStore } from "../../src/counters/redis/redis-store.js";
import { readScripts } from "../../src/counters/redis/scripts.js";
import { FakeClock } from "../support/fake-clock.js";
import type { PolicyWords } from "../support/policy-words.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { Stage } from "../support/stage.js";

const DATE = "2026-03-10";
const DAY_MS = 86_400_000;
const KEY = new Keys("acme").day(Date.parse(DATE) / DAY_MS);
const MOST_ROWS = 20_000;
const ROW_BYTES = 32;
const LOT_BYTES = 38;

describeWith(["redis-server"], "the totals of a day in Redis", () => {
  let client: Redis;
  beforeAll(async () => {
    const { port } = await startRedis({ binary: "redis-server" });
    client = new Redis({ host: "127.0.0.1", port });
    return () => client.disconnect();
  });

  async function stageOf(words: PolicyWords = {}): Promise<Stage> {
    await client.flushall();
    const clock = new FakeClock(`${DATE}T12:00:00Z`);
    const store = new RedisStore({
      server: {
        away: () => undefined,
        run: (script, keys, args) => runScript(client, script, keys, args),
        told: () => undefined,
        heard: () => undefined,
        inDoubt: () => undefined,
      },
      scripts: readScripts(),
      random: seededRandom24(1),
      organization: () => "acme",
      timeoutMs: 10_000,
      time: () => clock.now(),
    });
    return new Stage(store, clock, words);
  }

  async function use(stage: Stage, as: string, input: number): Promise<void> {
    const { grant } = await stage.admit({ as, input });
    await stage.record({ as, reservation: grant.reservationId });
  }

  /** As settlements would have left them. */
  async function fill(count: number): Promise<void> {
    const row = Buffer.alloc(32);
    row.writeDoubleLE(1, 0);
    const rows = Array.from({ length: count }, (_, nth) => [`dev caller-${nth} small-1`, row]);
    await client.hset(KEY, ...rows.flat());
  }

  it("are read by parts, each row once and none left out", async () => {
    const stage = await stageOf();
    await use(stage, "ann", 3);
    await fill(3_000);
    const found = await stage.totals(DATE, 100);
    expect(Object.keys(found)).toHaveLength(3_001);
    expect(found["dev ann small-1"]).toBe("1 3 0 6");
  });

  it("count further principals together once there are 20,000 rows, and whoever has a row as before", async () => {
    const stage = await stageOf();
    await use(stage, "ann", 1);
    await fill(MOST_ROWS - 1);
    for (const [as, input] of [
      ["bob", 10],
      ["cy", 100],
      ["ann", 1_000],
    ] as const)
      await use(stage, as, input);
    await stage.charge({ as: "dan", request: "r", amounts: { inputTokens: 10_000 } });
    const found = await stage.totals(DATE, 5_000);
    expect(Object.keys(found)).toHaveLength(MOST_ROWS + 1);
    expect([found["dev ann small-1"], found["dev  small-1"]]).toEqual(["2 1001 0 2002", "3 10110 0 220"]);
  });

  it("go 64 days after the first use of the day, and a settlement does not put that off", async () => {
    const stage = await stageOf();
    const { grant } = await stage.admit({ input: 1 });
    const first = await client.pttl(KEY);
    expect(first).toBeGreaterThan(64 * DAY_MS - 60_000);
    expect(first).toBeLessThanOrEqual(64 * DAY_MS);
    await client.pexpire(KEY, 5_000_000);
    await stage.record({ reservation: grant.reservationId });
    expect(await client.pttl(KEY)).toBeLessThanOrEqual(5_000_000);
  });

  it.each([1, 7_000, 15_000])(
    "hold three lots at the most of thousands of calls that nobody settles, one each %i ms",
    async (eachMs) => {
      const stage = await stageOf({ workspaces: { dev: { reservationTtlMs: 30_000 } } });
      const lengths: number[] = [];
      for (let nth = 0; nth < 2_000; nth++) {
        await stage.admit({ input: 10 });
        lengths.push(await client.hstrlen(KEY, "dev ann small-1"));
        stage.clock.advance(eachMs);
      }
      expect(Math.max(...lengths)).toBeLessThanOrEqual(ROW_BYTES + 3 * LOT_BYTES);
      stage.clock.advance(60_000);
      expect(await stage.totals(DATE)).toEqual({ "dev ann small-1": "2000 20000 0 40000" });
    },
  );

  it("that were deleted begin anew, and never count below nothing", async () => {
    const stage = await stageOf();
    const [open, expired] = [await stage.admit({ input: 10 }), await stage.admit({ input: 10 })];
    await client.del(KEY);
    await stage.record({ reservation: open.grant.reservationId, usage: { inputTokens: 4 } });
    expect(await stage.totals(DATE)).toEqual({ "dev ann small-1": "1 4 0 8" });
    expect(await client.pttl(KEY)).toBeGreaterThan(0);
    stage.clock.moveTo(expired.grant.expiresAt);
    await client.del(KEY);
    await stage.record({ reservation: expired.grant.reservationId, usage: { inputTokens: 3 } });
    expect(await stage.totals(DATE)).toEqual({ "dev ann small-1": "1 3 0 6" });
  });
});
