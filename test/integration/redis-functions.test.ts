import { expect, it } from "vitest";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startCluster } from "../support/redis/redis-cluster.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import { askTillFull, POLICY, question, ROOM, standing } from "./redis-calls.js";
import { type SharedService, startShared } from "./redis-service.js";

const WITHOUT_FUNCTIONS = /takes no functions/;
const LOADED_MS = 2_000;

/** How often a server has carried out a command. */
async function calls(server: Pick<RedisServer, "send">, command: string): Promise<number> {
  const info = String(await server.send("INFO", "commandstats"));
  const line = info.split("\r\n").find((each) => each.startsWith(`cmdstat_${command}:`));
  const [, tried = "0", failed = "0"] = /:calls=(\d+),.*failed_calls=(\d+)/.exec(line ?? "") ?? [];
  return Number(tried) - Number(failed);
}

/** Ask until a decision is made by a function. Every decision on the way is one of the store. */
async function askTillFunction({ client }: SharedService, server: Pick<RedisServer, "send">): Promise<void> {
  const before = await calls(server, "fcall");
  await askUntil(
    LOADED_MS,
    async () => {
      expect(await client.authorize(question({ role: "free" }))).toMatchObject({ allowed: true, degraded: false });
      return calls(server, "fcall");
    },
    (now) => now > before,
  );
}

for (const binary of ["redis-server", "valkey-server"] as const) {
  describeWith([binary], `functions of a ${binary}`, () => {
    it("are loaded by the first decision that misses them, and make those that follow", async () => {
      const server = await startRedis({ binary });
      const service = await startShared(POLICY, server.url);
      await askTillFunction(service, server);
      expect(await askTillFull(service.client)).toHaveLength(ROOM);
      expect(await calls(server, "function|load")).toBe(1);
      expect(service.lines.join("\n")).not.toMatch(WITHOUT_FUNCTIONS);
    });
  });
}

describeWith(["redis-server"], "functions of a Redis", () => {
  it("are loaded again where they were taken away, and no decision waits for it", async () => {
    const server = await startRedis();
    const service = await startShared(POLICY, server.url);
    await askTillFunction(service, server);
    for (let flushed = 1; flushed <= 2; flushed++) {
      await server.send("FUNCTION", "FLUSH");
      expect(await service.client.authorize(question({ id: "bob" }))).toMatchObject({ allowed: true, degraded: false });
    }
    expect(await standing(service.client, { id: "bob" })).toMatchObject({ reserved: 2 });
    expect(service.told()).toEqual({ down: 0, up: 1 });
  });

  it("are shared by replicas of one version, and by a replica that starts again", async () => {
    const server = await startRedis();
    const first = await startShared(POLICY, server.url);
    await askTillFunction(first, server);
    const second = await startShared(POLICY, server.url);
    await askTillFunction(second, server);
    expect(await calls(server, "function|load")).toBe(1);
  });

  it.each([
    ["call none", ["-fcall"]],
    ["load none", ["-function"]],
  ])("are done without where a user may %s: the same is decided, and the log says so once", async (_, forbidden) => {
    const server = await startRedis();
    await server.send("ACL", "SETUSER", "default", ...forbidden);
    const service = await startShared(POLICY, server.url);
    expect(await askTillFull(service.client)).toHaveLength(ROOM);
    expect(await standing(service.client)).toMatchObject({ reserved: ROOM });
    expect(await calls(server, "fcall")).toBe(0);
    expect(service.lines.filter((line) => WITHOUT_FUNCTIONS.test(line))).toHaveLength(1);
    expect(service.told()).toEqual({ down: 0, up: 1 });
  });

  it("are tried again on the next connection", async () => {
    const server = await startRedis();
    await server.send("ACL", "SETUSER", "default", "-fcall");
    const service = await startShared(POLICY, server.url);
    expect((await service.client.authorize(question())).allowed).toBe(true);
    await server.send("ACL", "SETUSER", "default", "+fcall");
    await server.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await service.isUp(false);
    await service.isUp(true);
    await askTillFunction(service, server);
  });
});

describeWith(["redis-server", "redis-cli"], "functions of a cluster", () => {
  it("are loaded on every master", async () => {
    const { nodes } = await startCluster();
    const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
    const service = await startShared(POLICY, `redis+cluster://${hosts}`);
    const lists = await askUntil(
      LOADED_MS,
      async () => {
        expect((await service.client.authorize(question({ role: "free" }))).allowed).toBe(true);
        return Promise.all(nodes.map((node) => node.send("FUNCTION", "LIST")));
      },
      (found) => found.every((list) => Array.isArray(list) && list.length === 1),
    );
    expect(lists).toHaveLength(nodes.length);
  });
});
