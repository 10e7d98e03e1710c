import { Redis } from "ioredis";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { runScript } from "../../src/counters/redis/client.js";
import { RedisStore } from "../../src/counters/redis/redis-store.js";
import { readScripts } from "../../src/counters/redis/scripts.js";
import { FakeClock } from "../support/fake-clock.js";
import { modelOf, nano, type PolicyWords } from "../support/policy-words.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { Stage } from "../support/stage.js";

const OWN = "wb1:{acme}:p:ann";
const MOST = Number.MAX_SAFE_INTEGER;

describeWith(["redis-server"], "what stands in Redis", () => {
  let client: Redis;
  beforeAll(async () => {
    const { port } = await startRedis();
    client = new Redis({ host: "127.0.0.1", port });
    return () => client.disconnect();
  });
  beforeEach(async () => {
    await client.flushall();
  });

  function stageOf(words: PolicyWords, start: string) {
    const clock = new FakeClock(start);
    const heads: Buffer[] = [];
    const store = new RedisStore({
      server: {
        away: () => undefined,
        run: (script, keys, args) => runScript(client, script, keys, args),
        told: () => undefined,
        heard: (head) => heads.push(Buffer.from(head)),
        inDoubt: () => undefined,
      },
      scripts: readScripts(),
      random: seededRandom24(1),
      organization: () => "acme",
      timeoutMs: 10_000,
      time: () => clock.now(),
      refusalsKeptMs: 0,
    });
    return { stage: new Stage(store, clock, words), heads };
  }

  it("outlives an edited time zone, whose day ends later than the one that a counter was kept for", async () => {
    const limits = { "roles.developer.tokens_per_day": 10 };
    // The day of Auckland ends at 11:00 UTC; in New York the same date goes on until 04:00 UTC of the next.
    const { stage } = stageOf({ limits, timezone: "Pacific/Auckland" }, "2026-03-10T10:59:00Z");
    await stage.admit({ input: 4 });
    stage.reload({ limits, timezone: "America/New_York" });
    stage.clock.moveTo("2026-03-10T11:30:00Z");
    await stage.admit({ input: 5 });
    expect(await client.pttl(OWN)).toBeGreaterThan(17 * 3_600_000);
    await stage.refuse({ input: 2 });
  });

  it("says no epoch before anything is counted, and the same one from then on", async () => {
    const { stage, heads } = stageOf({ limits: { "roles.developer.tokens_per_day": 10 } }, "2026-03-10T12:00:00Z");
    await stage.reserve({ dryRun: true });
    await stage.refuse({ input: 11 });
    await stage.admit();
    await stage.admit();
    await stage.charge({ request: "r" });
    const epochs = heads.map((head) => head.subarray(8).toString("hex"));
    expect(epochs.slice(0, 2)).toEqual(["", ""]);
    expect(new Set(epochs.slice(2)).size).toBe(1);
    expect(epochs[2]).toHaveLength(16);
  });

  it("tells apart the counters of workspaces whose settlements share a call", async () => {
    const limits = {
      "workspaces.dev.tokens_per_day": 100,
      "workspaces.dev.input_tokens_per_day": 100,
      "workspaces.0dev.tokens_per_day": 100,
    };
    const { stage } = stageOf({ limits, workspaces: { "0dev": {} } }, "2026-03-10T12:00:00Z");
    const one = await stage.admit({ input: 3 });
    const other = await stage.admit({ workspace: "0dev", input: 10 });
    await Promise.all([
      stage.record({ reservation: one.grant.reservationId }),
      stage.record({ reservation: other.grant.reservationId, as: "ann", workspace: "0dev" }),
    ]);
    expect(Object.values(await stage.counted())).toEqual(["3+0", "3+0"]);
    expect(Object.values(await stage.counted({ workspace: "0dev" }))).toEqual(["10+0"]);
  });

  it("does not come back for a window that is over", async () => {
    const limits = { "roles.developer.tokens_per_hour": 100, "organization.tokens_per_hour": 100 };
    const { stage } = stageOf({ limits, workspaces: { dev: { unsettled: "release" } } }, "2026-03-10T12:50:00Z");
    const { grant } = await stage.admit({ input: 3 });
    await client.del(OWN);
    stage.clock.moveTo("2026-03-10T13:06:00Z");
    await stage.admit({ as: "bob" });
    await stage.record({ reservation: grant.reservationId });
    expect(await client.exists(OWN)).toBe(0);
  });

  it("is exact to the unit above 2^53", async () => {
    const name = "organization.input_tokens_per_day";
    const models = [modelOf("free-1", { names: ["small"], rates: { inputToken: nano(0), outputToken: nano(0) } })];
    const { stage } = stageOf({ models, limits: { [name]: { ceiling: MOST, shadow: true } } }, "2026-03-10T12:00:00Z");
    const one = await stage.admit({ input: MOST });
    const two = await stage.admit({ input: MOST });
    stage.clock.moveTo(one.grant.expiresAt);
    await stage.charge({ request: "r", amounts: { inputTokens: 3 } });
    await stage.record({ reservation: one.grant.reservationId, usage: { inputTokens: 1 } });
    await stage.record({ reservation: two.grant.reservationId, usage: { inputTokens: 1 } });
    expect(await stage.counted()).toEqual({ [name]: "5+0" });
  });

  it("keeps usage apart whose ids differ only in letters beyond ASCII", async () => {
    const { stage } = stageOf({ limits: { "organization.tokens_per_day": 100 } }, "2026-03-10T12:00:00Z");
    for (const reservation of ["id-A", "id-\u0141", "id-\u0241"]) {
      expect(await stage.charge({ reservation, amounts: { inputTokens: 1 } })).toMatchObject({ already: false });
    }
    expect(Object.values(await stage.counted())).toEqual(["3+0"]);
  });
});
