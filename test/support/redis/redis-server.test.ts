import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startProxy } from "../fault-proxy.js";
import { inTime } from "./deadlines.js";
import { describeWith } from "./describe-with.js";
import { freePort } from "./free-port.js";
import { type RedisServer, startRedis } from "./redis-server.js";

describeWith(["redis-server"], "a Redis of a test's own", () => {
  it("answers commands where its url says", async () => {
    const server = await startRedis();
    const client = new Redis(server.url);
    onTestFinished(() => client.disconnect());
    expect(await client.incrby("spent", 7)).toBe(7);
    expect(await server.send("GET", "spent")).toBe("7");
    await expect(server.send("LPUSH", "spent", 1)).rejects.toThrow("WRONGTYPE");
  });

  it("starts on the port and with the flags that it is given", async () => {
    const port = await freePort();
    const server = await startRedis({ port, flags: ["--maxmemory", "123mb"] });
    expect(server.port).toBe(port);
    expect(await server.send("CONFIG", "GET", "maxmemory")).toEqual(["maxmemory", String(123 * 1024 * 1024)]);
  });

  it("says why where it does not start: the port is taken, or a flag is wrong", async () => {
    const first = await startRedis();
    await expect(startRedis({ port: first.port })).rejects.toThrow(/Address already in use/);
    await expect(startRedis({ flags: ["--no-such-flag", "1"] })).rejects.toThrow(/no-such-flag/);
  });

  it("comes back on its port empty, or with what it was told to persist", async () => {
    const forgetful = await startRedis();
    const durable = await startRedis({ flags: ["--appendonly", "yes", "--appendfsync", "always"] });
    for (const server of [forgetful, durable]) {
      const { pid, port } = server;
      await server.send("SET", "spent", 1);
      await server.restart();
      expect(server.pid).not.toBe(pid);
      expect(server.port).toBe(port);
    }
    expect([await forgetful.send("GET", "spent"), await durable.send("GET", "spent")]).toEqual([null, "1"]);
  });

  it("answers nothing while paused, and then what it was asked meanwhile", async () => {
    const server = await startRedis();
    await server.kill("SIGSTOP");
    const impatient = new Redis(server.url, { commandTimeout: 50, enableReadyCheck: false, protocol: 2 });
    onTestFinished(() => impatient.disconnect());
    await expect(impatient.get("spent")).rejects.toThrow("Command timed out");
    const asked = server.send("INCR", "spent");
    await server.kill("SIGCONT");
    expect(await asked).toBe(1);
  });

  it("refuses connections once killed, paused before or not, and can be started again", async () => {
    const server = await startRedis();
    for (const isPaused of [false, true]) {
      if (isPaused) await server.kill("SIGSTOP");
      await server.kill("SIGKILL");
      expect(server.isAlive).toBe(false);
      await expect(server.send("PING")).rejects.toThrow();
      await server.restart();
      expect(await server.send("PING")).toBe("PONG");
    }
  });

  it("restarts from a pause", async () => {
    const server = await startRedis();
    await server.kill("SIGSTOP");
    await server.restart();
    expect(await server.send("PING")).toBe("PONG");
  });

  it("leaves nothing once stopped, and can be stopped twice", async () => {
    const server = await startRedis();
    await server.stop();
    await server.stop();
    expect([server.isAlive, existsSync(server.directory)]).toEqual([false, false]);
  });
});

describeWith(["redis-server"], "a Redis behind the fault proxy", () => {
  it("has done what a client that was cut off before the answer cannot know", async () => {
    const server = await startRedis();
    const proxy = await startProxy(server);
    const client = new Redis(proxy.port, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
    onTestFinished(() => client.disconnect());
    // The reset, of which the rejection tells too.
    client.on("error", () => {});
    await client.ping();
    await proxy.cutAfter(0, { isOnce: true });
    await expect(client.incr("spent")).rejects.toThrow("Connection is closed");
    expect(await server.send("GET", "spent")).toBe("1");
  });
});

describeWith(["redis-server"], "the end of a Redis", () => {
  let ofTheTest: RedisServer;
  let ofTheFile: RedisServer;
  beforeAll(async () => {
    ofTheFile = await startRedis();
  });
  afterAll(() => {
    expect(ofTheFile.isAlive).toBe(true);
  });

  describe("that a test has started", () => {
    it.fails("comes also where the test fails", async () => {
      ofTheTest = await startRedis();
      expect(ofTheTest.port).toBe("a number");
    });

    it("has come before the next test", () => {
      expect([ofTheTest.isAlive, ofTheFile.isAlive]).toEqual([false, true]);
    });
  });
});

describeWith(["valkey-server"], "a Valkey of a test's own", () => {
  it("is started as a Redis is", async () => {
    const server = await startRedis({ binary: "valkey-server" });
    expect(await inTime(5_000, "INFO", server.send("INFO", "server"))).toContain("valkey_version:");
    await server.restart();
    expect(await server.send("PING")).toBe("PONG");
  });
});
