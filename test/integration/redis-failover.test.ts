import { expect, it } from "vitest";
import { startProxy } from "../support/fault-proxy.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startCluster } from "../support/redis/redis-cluster.js";
import { startSentinel } from "../support/redis/redis-sentinel.js";
import { askTillFull, POLICY, principal, question, ROOM, standing } from "./redis-calls.js";
import { valuesOf, withClient } from "./redis-keys.js";
import { type SharedService, startShared } from "./redis-service.js";
import type { Answer } from "./running-service.js";

const LONG = process.env["WINDBREAK_LONG_TESTS"] === "1";
/** What sentinels, or the other masters, take to agree and to promote, and the service to find it out. */
const FAILOVER_MS = 15_000;
/** How soon after a promotion decisions go on. */
const FOUND_MS = 3_000;

async function underSentinel() {
  const servers = await startSentinel();
  const hosts = servers.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
  const service = await startShared(POLICY, `redis+sentinel://${hosts}/${servers.name}`);
  /** Until every sentinel leads to the replica. */
  const promoted = async () => {
    const name = async () => {
      const asked = servers.sentinels.map((one) => one.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", servers.name));
      return (await Promise.all(asked)).map((address) => (Array.isArray(address) ? Number(address[1]) : 0));
    };
    await askUntil(FAILOVER_MS, name, (ports) => ports.every((port) => port === servers.replica.port));
  };
  /** Kill the master, and have a sentinel act at once: their votes may be split, and are then repeated seconds later. */
  const failOver = async (signal: "SIGKILL" | "SIGSTOP" = "SIGKILL") => {
    await servers.master.kill(signal);
    await servers.sentinels[0]?.send("SENTINEL", "FAILOVER", servers.name);
    await promoted();
  };
  /** Until all that was written so far stands on the replica too. */
  const replicated = async () => {
    await askUntil(
      5_000,
      async () => String(await servers.master.send("INFO", "replication")),
      (info) => {
        const master = /master_repl_offset:(\d+)/.exec(info)?.[1];
        return master !== undefined && info.includes(`offset=${master},lag`);
      },
    );
  };
  return { ...servers, service, failOver, replicated };
}

/** Until the service decides again. @returns how long that took, in ms. */
async function decidesAgain({ client }: SharedService, ms: number): Promise<number> {
  const begun = performance.now();
  await askUntil(
    ms,
    () => client.authorize(question({ id: "bob", role: "free" })),
    ({ allowed }) => allowed,
  );
  return Math.round(performance.now() - begun);
}

describeWith(["redis-server", "redis-sentinel"], "a failover by Sentinel", () => {
  it.each<"SIGKILL" | "SIGSTOP">(LONG ? ["SIGKILL", "SIGSTOP"] : ["SIGKILL"])(
    "admits none beyond a ceiling where the replica had received everything (%s)",
    async (signal) => {
      const { service, failOver, replicated } = await underSentinel();
      for (let call = 0; call < 4; call += 1) expect((await service.client.authorize(question())).allowed).toBe(true);
      await replicated();
      await failOver(signal);
      console.log(
        `Sentinel, ${signal}: decisions again ${await decidesAgain(service, FOUND_MS)} ms after all sentinels agree`,
      );
      expect(await askTillFull(service.client)).toHaveLength(ROOM - 4);
      expect(service.told()).toEqual({ down: 1, up: 2 });
      expect(await service.metric("windbreak_store_emptied_total")).toBe(0);
    },
  );

  it("admits beyond a ceiling just what was acknowledged after the replica was cut off", async () => {
    const { service, master, failOver, replicated } = await underSentinel();
    for (let call = 0; call < 4; call += 1) expect((await service.client.authorize(question())).allowed).toBe(true);
    await replicated();
    await master.send("ACL", "SETUSER", "default", "-psync", "-sync", "-replconf");
    await master.send("CLIENT", "KILL", "TYPE", "replica");
    const sinceCut: Answer[] = [];
    for (let call = 0; call < 5; call += 1) sinceCut.push(await service.client.authorize(question()));
    expect(sinceCut.filter(({ allowed }) => allowed)).toHaveLength(5);
    await failOver();
    console.log(`Sentinel, cut off: decisions again after ${await decidesAgain(service, FOUND_MS)} ms`);
    const after = await askTillFull(service.client);
    console.log(`Sentinel, cut off: ${4 + 5 + after.length - ROOM} beyond a ceiling of ${ROOM}`);
    expect(4 + sinceCut.length + after.length).toBe(ROOM + sinceCut.length);
    // What is not known any more is charged all the same.
    const [lost] = sinceCut;
    const report = { reservation_id: lost.reservation_id, principal: principal(), model: "even" };
    const recorded = await service.client.recordUsage({ ...report, usage: { input_tokens: 1 } });
    expect(recorded).toMatchObject({ unreserved: true });
    expect(await standing(service.client)).toMatchObject({ used: 1, reserved: ROOM });
  });

  it("under load admits beyond a ceiling at most what the replica had not received", async () => {
    const { service, replica, failOver, replicated } = await underSentinel();
    const who = { id: "ann", role: "many" } as const;
    // A replica that has just joined is sent nothing until it has reported, which takes it up to a second.
    expect((await service.client.authorize(question())).allowed).toBe(true);
    await replicated();
    const told: Answer[] = [];
    const full = new Set<number>();
    const ask = async (caller: number) => {
      while (!full.has(caller)) {
        const answer = await service.client.authorize(question(who));
        if (answer.allowed) told.push(answer);
        else if (answer.reason !== "REASON_STORE_UNAVAILABLE") full.add(caller);
      }
    };
    const asking = Promise.all(Array.from({ length: 4 }, (_, caller) => ask(caller)));
    await askUntil(
      5_000,
      async () => told.length,
      (count) => count >= 100,
    );
    const before = told.length;
    await failOver();
    await asking;
    const keys = await withClient(replica, (client) => client.keys("wb1:{acme}:r:*"));
    const kept = new Set(keys.map((key) => key.split(" ")[2]));
    const lost = told.filter(({ request_id }) => !kept.has(request_id));
    const beyond = told.length - 500;
    console.log(
      `Sentinel under load: ${before} told before the kill, ${lost.length} lost, ${beyond} beyond the ceiling`,
    );
    expect(beyond).toBeLessThanOrEqual(lost.length);
    expect((await valuesOf(replica, "wb1:{acme}:r:*")).length).toBeLessThanOrEqual(500 + 1);
    expect(await standing(service.client, who)).toMatchObject({ used: 0, ceiling: 500 });
  });
});

describeWith(["redis-server", "redis-sentinel"], "a failover that sentinels tell of while they are being asked", () => {
  it("is followed by every service, however slowly it is answered", async () => {
    const { master, replica, sentinels, name } = await startSentinel();
    const [sentinel] = sentinels;
    if (!sentinel) throw new Error("no sentinel");
    const proxies = await Promise.all([1, 2, 3, 4].map(() => startProxy(sentinel)));
    const urls = proxies.map(({ port }) => `redis+sentinel://127.0.0.1:${port}/${name}`);
    const services = await Promise.all(urls.map((url) => startShared(POLICY, url)));
    // From now on each of them asks for most of the time that passes, and each at a time of its own.
    for (const [nth, proxy] of proxies.entries()) await proxy.delay(80 + 30 * nth);
    await master.kill("SIGKILL");
    await Promise.all(services.map((service) => service.isUp(false)));
    await sentinel.send("SENTINEL", "FAILOVER", name);
    await askUntil(
      FAILOVER_MS,
      async () => String(await replica.send("INFO", "replication")),
      (info) => info.includes("role:master"),
    );
    const found = await Promise.all(services.map((service) => decidesAgain(service, 2 * FOUND_MS)));
    console.log(`Sentinel, slow: decisions again after ${found.join(", ")} ms`);
  });
});

describeWith(["redis-server", "redis-cli"], "a failover in a Redis Cluster", () => {
  it("is followed within seconds, and keeps what was reserved", async () => {
    const { nodes, urls } = await startCluster({ replicas: 1 });
    const hosts = urls.slice(0, 3).map((url) => url.replace("redis://", ""));
    const service = await startShared(POLICY, `redis+cluster://${hosts.join(",")}`);
    for (let call = 0; call < 4; call += 1) expect((await service.client.authorize(question())).allowed).toBe(true);
    const owners = await Promise.all(
      nodes.map(async (node) => ({ node, holds: Number(await node.send("DBSIZE")) > 0 })),
    );
    const holders = owners.filter(({ holds }) => holds).map(({ node }) => node);
    const master = holders.find((node) => nodes.indexOf(node) < 3);
    const replica = holders.find((node) => nodes.indexOf(node) >= 3);
    if (!master || !replica) throw new Error("nobody holds the keys");
    await askUntil(
      5_000,
      () => replica.send("DBSIZE"),
      (size) => Number(size) >= 3,
    );
    await master.kill("SIGKILL");
    const denied = await askUntil(
      FOUND_MS,
      () => service.client.authorize(question()),
      ({ allowed }) => !allowed,
    );
    expect(denied).toMatchObject({ reason: "REASON_STORE_UNAVAILABLE" });
    const killed = performance.now();
    await askUntil(
      FAILOVER_MS,
      async () => String(await replica.send("INFO", "replication")),
      (info) => info.includes("role:master"),
    );
    const promotion = Math.round(performance.now() - killed);
    const found = await decidesAgain(service, FOUND_MS);
    console.log(`Cluster: promoted after ${promotion} ms, decisions again ${found} ms later`);
    expect(await askTillFull(service.client)).toHaveLength(ROOM - 4);
    expect(await service.metric("windbreak_store_emptied_total")).toBe(0);
  });
});
