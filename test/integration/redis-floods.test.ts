import { Redis } from "ioredis";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { runScript } from "../../src/counters/redis/client.js";
import { RedisStore } from "../../src/counters/redis/redis-store.js";
import { readScripts } from "../../src/counters/redis/scripts.js";
import { FakeClock } from "../support/fake-clock.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { type Ask, Stage } from "../support/stage.js";
import { startShared } from "./redis-service.js";

const LIMIT = "roles.developer.concurrent_requests";
const CEILING = 10;
const CALLS = 5_000;
const IN_FLIGHT = 200;
/** Of the calls, at the most so many may have cost the store a question. */
const MOST_ASKED = CALLS / 20;

/** Call so many times, `IN_FLIGHT` at once; each gets its number. */
async function flood(calls: number, call: (nth: number) => Promise<unknown>): Promise<void> {
  let nth = 0;
  const caller = async () => {
    while (nth < calls) await call(nth++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
}

describeWith(["redis-server"], "a principal that floods past its limit", () => {
  let client: Redis;
  beforeAll(async () => {
    const { port } = await startRedis();
    client = new Redis({ host: "127.0.0.1", port });
    return () => client.disconnect();
  });
  beforeEach(async () => {
    await client.flushall();
  });

  /** A replica, and how many questions for reservations it has sent. */
  function replica(seed = 1) {
    const clock = new FakeClock("2026-03-10T12:00:00Z");
    const scripts = readScripts();
    let asked = 0;
    const store = new RedisStore({
      server: {
        away: () => undefined,
        run: (script, keys, args) => {
          if (script === scripts.reserve) asked += keys.filter((key) => key.includes("}:p:")).length;
          return runScript(client, script, keys, args);
        },
        told: () => undefined,
        heard: () => undefined,
        inDoubt: () => undefined,
      },
      scripts,
      random: seededRandom24(seed),
      organization: () => "acme",
      timeoutMs: 10_000,
      time: () => clock.now(),
    });
    const stage = new Stage(store, clock, { limits: { [LIMIT]: CEILING } });
    return { stage, store, asked: () => asked };
  }

  async function fill(stage: Stage) {
    const admitted = [];
    for (let nth = 0; nth < CEILING; nth++) admitted.push(await stage.admit({ id: `first-${nth}` }));
    await stage.refuse();
    return admitted.map(({ grant }) => grant);
  }

  it.each<[string, (nth: number) => Ask]>([
    ["without ids", () => ({})],
    ["each with a request_id of its own", (nth) => ({ id: `r-${nth}` })],
  ])("(%s) is refused by that limit, and costs the store few questions", async (_, askOf) => {
    const { stage, store, asked } = replica();
    const [held] = await fill(stage);
    const before = asked();
    await flood(CALLS, async (nth) => {
      const { limits } = await stage.refuse(askOf(nth));
      expect(limits).toEqual({ [LIMIT]: expect.objectContaining({ used: 0, reserved: CEILING, refuses: true }) });
    });
    console.log(`${asked() - before} questions for ${CALLS} refusals`);
    expect(asked() - before).toBeLessThan(MOST_ASKED);
    expect(store.refusalsShared + asked() - before).toBe(CALLS);

    await stage.release(held?.reservationId ?? "");
    await stage.admit(askOf(CALLS));
    await stage.refuse(askOf(CALLS + 1));
  });

  it("gets its first answer for what was admitted before, in the middle of the flood", async () => {
    const { stage } = replica();
    const grants = await fill(stage);
    await flood(1_000, async (nth) => {
      const again = nth % 100 === 50 ? grants[nth % CEILING] : undefined;
      const result = await stage.reserve({ id: again?.requestId ?? `r-${nth}` });
      if (again) expect(result).toMatchObject({ kind: "admitted", grant: { reservationId: again.reservationId } });
      else expect(result.kind).toBe("refused");
    });
  });

  it("is never admitted past its ceiling by two replicas, and always up to it, while reservations end", async () => {
    const replicas = [replica(1), replica(2)] as const;
    await fill(replicas[0].stage);
    const open = (await replicas[0].stage.open()).map(({ reservationId }) => reservationId);
    let held = CEILING;
    let admitted = 0;
    await flood(CALLS, async (nth) => {
      const { stage } = replicas[nth % 2 === 0 ? 0 : 1];
      if (nth % 10 === 0) {
        const id = open.shift();
        if (id === undefined) return;
        await stage.release(id);
        held--;
        return;
      }
      const result = await stage.reserve();
      if (result.kind !== "admitted") return;
      admitted++;
      held++;
      open.push(result.grant.reservationId);
    });
    expect(admitted).toBeGreaterThan(CALLS / 100);
    expect(await replicas[1].stage.counted()).toEqual({ [LIMIT]: `0+${held}` });
    expect(held).toBeLessThanOrEqual(CEILING);
    for (; held < CEILING; held++) await replicas[0].stage.admit();
    await replicas[0].stage.refuse();
    console.log(`${replicas[0].asked() + replicas[1].asked()} questions, ${admitted} admissions, ${CALLS} calls`);
    expect(replicas[0].asked() + replicas[1].asked()).toBeLessThan(CALLS);
  });

  it("is told the limit's reason, and another principal is admitted meanwhile", async () => {
    const { url } = await startRedis();
    const service = await startShared(
      `
version: 1
organization: acme
workspaces: { dev: { models: ["*"] } }
roles: { narrow: { models: ["*"], limits: { concurrent_requests: 1 } }, wide: { models: ["*"] } }
`,
      url,
      { timeoutMs: 5_000 },
    );
    const ask = (id: string, role: string) =>
      service.client.authorize({
        principal: { id, role, workspace: "dev" },
        model: "mistral-small-latest",
        input_tokens: 1,
      });
    const { allowed, reservation_id } = await ask("ann", "narrow");
    expect(allowed).toBe(true);
    await flood(2_000, async (nth) => {
      if (nth % 20 === 0) {
        expect(await ask("bob", "wide")).toMatchObject({ allowed: true });
        return;
      }
      const answer = await ask("ann", "narrow");
      expect(answer).toMatchObject({ allowed: false, reason: "REASON_RATE_LIMITED", http_status: 429 });
      expect(answer.limits.map(({ name }: { name: string }) => name)).toEqual(["roles.narrow.concurrent_requests"]);
    });
    expect(await service.metric("windbreak_store_refusals_shared_total")).toBeGreaterThan(1_000);

    await service.client.recordUsage({ reservation_id, usage: { input_tokens: 1 } });
    expect(await ask("ann", "narrow")).toMatchObject({ allowed: true });
  });
});
