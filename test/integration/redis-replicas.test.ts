import { expect, it } from "vitest";
import { readRecord } from "../../src/counters/redis/record.js";
import { startProxy } from "../support/fault-proxy.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import { startReplica, startReplicas } from "../support/replicas.js";
import {
  allowedOf,
  askAll,
  askTillFull,
  ONE,
  POLICY,
  principal,
  question,
  ROOM,
  standing,
  type Who,
} from "./redis-calls.js";
import { valuesOf } from "./redis-keys.js";
import type { Answer } from "./running-service.js";

const LONG = process.env["WINDBREAK_LONG_TESTS"] === "1";
const CALLS = 300;
/** Until the last reservation in doubt is given back: ten seconds after the store is there again, and what is slow. */
const GIVEN_BACK_MS = 14_000;

async function started(each: readonly { readonly clockOffMs?: number; readonly storeTimeout?: string }[]) {
  const server = await startRedis();
  const replicas = await startReplicas(
    POLICY,
    each.map((options) => ({ redis: server.url, ...options })),
  );
  return { server, replicas, clients: replicas.map(({ client }) => client) };
}

describeWith(["redis-server"], "three replicas on one Redis", () => {
  it("admit exactly as many of 300 calls at once as have room, with clocks half a second apart", async () => {
    const { clients } = await started([{ clockOffMs: 500 }, { clockOffMs: -500 }, {}]);
    const [client] = clients;
    if (!client) throw new Error("no replica");
    for (let round = 0; round < (LONG ? 50 : 1); round += 1) {
      for (const role of ["requests", "tokens", "money"] as const) {
        const who: Who = { id: `${role}-${round}`, role };
        // Each of the three counts another thing.
        const answers = await Promise.all(askAll(clients, CALLS, who));
        expect(allowedOf(answers)).toHaveLength(ROOM);
        expect(answers.filter((answer) => answer?.reason === "REASON_STORE_UNAVAILABLE")).toEqual([]);
        expect(await standing(client, who)).toMatchObject({ used: 0, reserved: ROOM * ONE[role] });
      }
    }
  });

  it("admit no more than have room when one is killed among 300 calls, and all that was admitted stays counted", async () => {
    const server = await startRedis();
    const proxy = await startProxy(server);
    const [one, other, killed] = await startReplicas(POLICY, [
      { redis: server.url },
      { redis: server.url },
      { redis: `redis://127.0.0.1:${proxy.port}` },
    ]);
    if (!one || !other || !killed) throw new Error("no replicas");
    // What it asks is carried out, and it is dead before it hears of it.
    await proxy.delay(200);
    const untold = askAll([killed.client], 4);
    await askUntil(
      5_000,
      () => standing(one.client),
      ({ reserved }) => reserved === 4,
    );
    const calls = askAll([one.client, other.client, killed.client], CALLS);
    await killed.kill();
    expect(await Promise.all(untold)).toEqual([undefined, undefined, undefined, undefined]);
    const answers = await Promise.all(calls);
    const told = [...allowedOf(answers), ...(await askTillFull(one.client))];
    expect(told.length).toBeLessThanOrEqual(ROOM - 4);
    expect(await standing(one.client)).toMatchObject({ used: 0, reserved: ROOM });
    for (const { reservation_id } of told) {
      await one.client.recordUsage({ reservation_id, usage: { input_tokens: 1 } });
    }
    expect(await standing(one.client)).toMatchObject({ used: told.length, reserved: ROOM - told.length });
  });

  it("admit no more than have room when Redis is paused among 300 calls, and hold nothing that nobody was told of", async () => {
    const { server, clients } = await started([
      { storeTimeout: "50ms" },
      { storeTimeout: "50ms" },
      { storeTimeout: "50ms" },
    ]);
    const [client] = clients;
    if (!client) throw new Error("no replica");
    const answers = await Promise.all(askAll(clients, 4));
    // On a busy machine 50 ms may be too short for some of them already.
    const before = allowedOf(answers).length;
    expect(before).toBeGreaterThan(0);
    await server.kill("SIGSTOP");
    const paused = performance.now();
    answers.push(...(await Promise.all(askAll(clients, CALLS))));
    // The store stays away for two seconds, under load.
    while (performance.now() - paused < 2_000) answers.push(...(await Promise.all(askAll(clients, 30))));
    await server.kill("SIGCONT");
    const resumed = performance.now();
    const told = [...allowedOf(answers)];
    expect(told).toHaveLength(before);
    await Promise.all(
      clients.map((one) =>
        askUntil(
          5_000,
          () =>
            one.checkBudget({ principal: question().principal }).then(
              () => true,
              () => false,
            ),
          Boolean,
        ),
      ),
    );
    console.log(`paused Redis: decisions ${Math.round(performance.now() - resumed)} ms after it goes on`);
    await askUntil(
      GIVEN_BACK_MS,
      () => standing(client),
      ({ reserved }) => reserved === told.length,
    );
    console.log(`paused Redis: nothing held for nobody after ${Math.round(performance.now() - resumed)} ms`);
    told.push(...(await askTillFull(client)));
    expect(told).toHaveLength(ROOM);
    expect(await standing(client)).toMatchObject({ used: 0, reserved: ROOM });
  });

  it("admit no more than a ceiling in any second by the store's clock, while windows turn under load", async () => {
    const { server, clients } = await started([{ clockOffMs: 500 }, { clockOffMs: -500 }, {}]);
    const who: Who = { id: "ada", role: "quick" };
    const begun = performance.now();
    const told: Answer[] = [];
    const lasts = LONG ? 30_000 : 2_400;
    const ask = async (client: (typeof clients)[number]) => {
      while (performance.now() - begun < lasts) {
        const answers = await Promise.all(askAll([client], 4, who));
        told.push(...allowedOf(answers));
      }
    };
    await Promise.all(clients.map(ask));
    const at = await reservedAt(server);
    expect(at).toHaveLength(told.length);
    expect(at.length).toBeGreaterThanOrEqual(Math.floor(lasts / 1_100) * 20);
    const spans = at.slice(20).map((last, nth) => last - (at[nth] ?? 0));
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(1_000);
  });

  it("stay in the store's day when the clock of one is a day ahead", async () => {
    const server = await startRedis();
    const proxy = await startProxy(server);
    await proxy.refuse();
    // It goes by its own clock until the store has said its time.
    const ahead = await startReplica(POLICY, { redis: `redis://127.0.0.1:${proxy.port}`, clockOffMs: 86_400_000 });
    await ahead.said(/ is away: /);
    const [other] = await startReplicas(POLICY, [{ redis: server.url }]);
    if (!other) throw new Error("no replica");
    await proxy.pass();
    await ahead.up();
    const clients = [other.client, ahead.client];
    for (const client of clients) await askTillFull(client);
    for (const client of clients) expect(await standing(client)).toMatchObject({ used: 0, reserved: ROOM });
    const [first] = (await other.client.checkBudget({ principal: principal() })).limits;
    expect(Number(first.resets_at.seconds) * 1_000 - Date.now()).toBeLessThanOrEqual(86_400_000);
  });
});

/** When each reservation was made, by the store's clock, in order. */
async function reservedAt(server: RedisServer): Promise<readonly number[]> {
  const records = await valuesOf(server, "wb1:{acme}:r:*");
  return records.map((record) => readRecord(record).reservedAt).sort((a, b) => a - b);
}
