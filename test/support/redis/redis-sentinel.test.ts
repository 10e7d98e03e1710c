import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { askUntil } from "./deadlines.js";
import { describeWith } from "./describe-with.js";
import { startSentinel } from "./redis-sentinel.js";
import type { RedisServer } from "./redis-server.js";

const FORMED_MS = 10_000;
const CUT_OFF = "Connection is closed.";

describeWith(["redis-server", "redis-sentinel"], "a Redis under Sentinel of a test's own", () => {
  it("forms, and leads a client to the master", async () => {
    const start = performance.now();
    const { master, replica, sentinels, name } = await startSentinel();
    expect(performance.now() - start).toBeLessThan(FORMED_MS);
    const client = new Redis({ sentinels: sentinels.map(({ port }) => ({ host: "127.0.0.1", port })), name });
    onTestFinished(() => client.disconnect());
    await client.set("spent", "1");
    expect(await client.wait(1, FORMED_MS)).toBe(1);
    expect([await master.send("GET", "spent"), await replica.send("GET", "spent")]).toEqual(["1", "1"]);
  });

  it("makes the replica the master once the master is killed, and the old master a replica", async () => {
    const { master, replica, sentinels, name } = await startSentinel();
    const [sentinel] = sentinels;
    if (!sentinel) throw new Error("no sentinel");
    await master.kill("SIGKILL");
    await askUntil(
      FORMED_MS,
      () => sentinel.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name),
      (address) => Array.isArray(address) && address[1] === String(replica.port),
    );
    expect(await replica.send("SET", "spent", 1)).toBe("OK");
    await master.restart();
    await askUntil(
      FORMED_MS,
      () => roleOf(master),
      (info) => info.includes("role:slave") && info.includes("master_link_status:up"),
    );
  });

  it("ends whole", async () => {
    const all = await startSentinel();
    await all.stop();
    const servers = [all.master, all.replica, ...all.sentinels];
    expect(servers.map(({ isAlive }) => isAlive)).toEqual([false, false, false, false, false]);
  });
});

/** A sentinel that makes a server a replica cuts off whoever is connected to it: such a question is asked again. */
async function roleOf(server: RedisServer): Promise<string> {
  try {
    return String(await server.send("INFO", "replication"));
  } catch (error) {
    if (error instanceof Error && error.message === CUT_OFF) return error.message;
    throw error;
  }
}
