import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { startProxy } from "../support/fault-proxy.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { freePort } from "../support/redis/free-port.js";
import { startRedis } from "../support/redis/redis-server.js";
import { POLICY, principal, question, standing } from "./redis-calls.js";
import { FAILURES, setPassword } from "./redis-failures.js";
import { type SharedService, startShared } from "./redis-service.js";
import { check, healthClient } from "./running-server.js";
import { statusOf } from "./running-service.js";

/** Once the server is there again, decisions are to be made again within this time. */
const RECOVERY_MS = 2_000;
const LENIENT = { workspace: "lenient" } as const;

describeWith(["redis-server"], "the counter store", () => {
  it.each(FAILURES)(
    "that is $name leaves decisions to on_store_failure, once told, and decides again when mended",
    async (failure) => {
      const server = await startRedis();
      const proxy = await startProxy(server);
      const service = await startShared(POLICY, `redis://127.0.0.1:${proxy.port}`);
      expect((await service.client.authorize(question())).allowed).toBe(true);
      expect(service.told()).toEqual({ down: 0, up: 1 });

      await failure.breakIt({ server, proxy, service });
      await expectAway(service, failure.cause);
      expect(await service.metric("windbreak_store_up")).toBe(0);

      const told = service.told();
      const mended = performance.now();
      await failure.mendIt({ server, proxy, service });
      await askUntil(
        RECOVERY_MS,
        () => service.client.authorize(question({ role: "free" })),
        ({ allowed }) => allowed,
      );
      console.log(`${failure.name}: decides again after ${Math.round(performance.now() - mended)} ms`);
      expect(told).toEqual({ down: 1, up: 1 });
      expect(service.told()).toEqual({ down: 1, up: 2 });
      expect(await service.metric("windbreak_store_up")).toBe(1);
      expect(await service.metric("windbreak_store_down_total")).toBe(1);
      expect(JSON.parse((await service.get("/readyz")).text)).toMatchObject({ store: "up" });
    },
  );

  it("that refuses connections from the start leaves the service ready, and is used as soon as it is there", async () => {
    const port = await freePort();
    const service = await startShared(POLICY, `redis://127.0.0.1:${port}`, { awaitsStore: false });
    await expectAway(service, /ECONNREFUSED/);
    await startRedis({ port });
    await askUntil(
      RECOVERY_MS,
      () => service.client.authorize(question()),
      ({ allowed }) => allowed,
    );
    expect(service.told()).toEqual({ down: 1, up: 1 });
  });

  it("that takes another password than the one given is away until it takes that", async () => {
    const server = await startRedis();
    await server.send("CONFIG", "SET", "requirepass", "another");
    const service = await startShared(POLICY, `redis://:given@127.0.0.1:${server.port}`, { awaitsStore: false });
    await expectAway(service, /WRONGPASS|NOAUTH/);
    expect(service.lines.join("\n")).not.toContain("given@");
    await setPassword(server, "given");
    await askUntil(
      RECOVERY_MS,
      () => service.client.authorize(question()),
      ({ allowed }) => allowed,
    );
    expect(service.told()).toEqual({ down: 1, up: 1 });
  });

  it("that still loads what it persisted is away until it has", async () => {
    const server = await startRedis({
      flags: ["--save", "3600 1000000", "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"],
    });
    const service = await startShared(POLICY, server.url);
    await service.client.authorize(question());
    await server.send("EVAL", "for i=1,600 do redis.call('SET','other:'..i,string.rep('x',1000)) end", 0);
    const restarting = server.restart();
    await service.isUp(false);
    await askUntil(
      5_000,
      async () => service.told(),
      ({ down }) => down === 1,
    );
    await restarting;
    await askUntil(
      10_000,
      () => service.client.authorize(question()),
      ({ allowed }) => allowed,
    );
    expect(await standing(service.client)).toMatchObject({ reserved: 2 });
    expect(service.told()).toEqual({ down: 1, up: 2 });
    expect(await service.metric("windbreak_store_emptied_total")).toBe(0);
  });

  it("that was restarted empty is told to have lost what it held, once", async () => {
    const server = await startRedis();
    const service = await startShared(POLICY, server.url);
    await service.client.authorize(question());
    await server.kill("SIGKILL");
    await server.restart();
    await askUntil(
      RECOVERY_MS,
      () => service.client.authorize(question()),
      ({ allowed }) => allowed,
    );
    expect(await standing(service.client)).toMatchObject({ reserved: 1 });
    await askUntil(
      RECOVERY_MS,
      () => service.metric("windbreak_store_emptied_total"),
      (count) => count === 1,
    );
    expect(service.lines.filter((line) => line.includes("has lost what it held"))).toHaveLength(1);
  });

  it("that was flushed is told to have lost what it held, once, and decides on", async () => {
    const server = await startRedis();
    const service = await startShared(POLICY, server.url);
    await service.client.authorize(question());
    await server.send("FLUSHALL");
    expect(await service.client.authorize(question())).toMatchObject({ allowed: true, degraded: false });
    expect(await service.client.authorize(question())).toMatchObject({ allowed: true, degraded: false });
    expect(await standing(service.client)).toMatchObject({ reserved: 2 });
    expect(await service.metric("windbreak_store_emptied_total")).toBe(1);
    expect(service.told()).toEqual({ down: 0, up: 1 });
  });

  it("that forgets its scripts again and again refuses no call", async () => {
    const server = await startRedis();
    const service = await startShared(POLICY, server.url, { timeoutMs: 2_000 });
    for (let round = 0; round < 10; round += 1) {
      const calls = Array.from({ length: 20 }, () => service.client.authorize(question({ role: "free" })));
      await server.send("SCRIPT", "FLUSH");
      const answers = await Promise.all(calls);
      expect(answers.filter(({ allowed, degraded }) => !allowed || degraded)).toEqual([]);
      await server.send("SCRIPT", "FLUSH");
      const { reservation_id } = answers[0];
      await service.client.recordUsage({ reservation_id, usage: { input_tokens: 1 } });
    }
    expect(await standing(service.client, { role: "free" })).toMatchObject({ used: 10, reserved: 190 });
    expect(service.told()).toEqual({ down: 0, up: 1 });
  });
});

describeWith([], "metrics of a store that is away", () => {
  it("go on telling how often it went, while it is down", async () => {
    const service = await startShared(POLICY, `redis://127.0.0.1:${await freePort()}`, { awaitsStore: false });
    await askUntil(
      5_000,
      async () => service.told(),
      ({ down }) => down === 1,
    );
    expect(await service.metric("windbreak_store_up")).toBe(0);
    expect(await service.metric("windbreak_store_down_total")).toBe(1);
  });
});

/** Ask until the store is taken for down, and hold every answer against what is promised then. */
async function expectAway({ client, lines, told, get, address }: SharedService, cause: RegExp): Promise<void> {
  const answers = async () => (await client.authorize(question())).reason;
  await askUntil(3_000, answers, (reason) => reason === "REASON_STORE_UNAVAILABLE");
  // Not one call is decided again until the server is mended.
  await askUntil(
    3_000,
    async () => `${await answers()} ${told().down}`,
    (said) => said === "REASON_STORE_UNAVAILABLE 1",
  );
  for (let call = 0; call < 5; call += 1) {
    const denied = await client.authorize(question());
    expect(denied).toMatchObject({
      allowed: false,
      reason: "REASON_STORE_UNAVAILABLE",
      http_status: 503,
      reservation_id: "",
    });
    const allowed = await client.authorize(question(LENIENT));
    expect(allowed).toMatchObject({ allowed: true, reason: "REASON_ALLOWED", http_status: 200, degraded: true });
    expect(allowed.reservation_id).not.toBe("");
    const { reservation_id } = allowed;
    const report = { reservation_id, principal: principal(LENIENT), model: "even", usage: { input_tokens: 1 } };
    expect((await statusOf(client.recordUsage(report))).code).toBe(status.UNAVAILABLE);
    expect((await statusOf(client.checkBudget({ principal: principal() }))).code).toBe(status.UNAVAILABLE);
  }
  const ready = await get("/readyz");
  expect(ready.status).toBe(200);
  expect(JSON.parse(ready.text)).toMatchObject({ store: "down" });
  expect(await check(healthClient(address))).toBe("SERVING");
  expect(told().down).toBe(1);
  expect(lines.find((line) => line.includes(" is away: "))).toMatch(cause);
}
