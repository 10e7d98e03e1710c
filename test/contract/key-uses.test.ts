import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { runScript } from "../../src/counters/redis/client.js";
import { Keys } from "../../src/counters/redis/keys.js";
import { RedisKeyUses } from "../../src/counters/redis/redis-key-uses.js";
import { readScripts } from "../../src/counters/redis/scripts.js";
import { USES_KEPT_MS } from "../../src/domain/key-use.js";
import { UsesHere } from "../../src/keys/uses-here.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { keyUsesContract } from "./key-uses.contract.js";

const clock = { now: () => Date.now() };
const failed = (cause: Error) => {
  throw cause;
};

keyUsesContract("UsesHere, in memory", async () => ({ store: new UsesHere({ clock, failed }) }));

keyUsesContract("UsesHere, in a file", async () => {
  const directory = mkdtempSync(join(tmpdir(), "key-uses-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const open = () => new UsesHere({ clock, failed, file: join(directory, "key-uses.json") });
  return { store: open(), again: async () => open() };
});

describeWith(["redis-server"], "on a real redis-server", () => {
  const scripts = readScripts();
  const keys = new Keys("acme");
  let client: Redis;
  beforeAll(async () => {
    const { port } = await startRedis();
    client = new Redis({ host: "127.0.0.1", port });
    return () => client.disconnect();
  });
  const open = () =>
    new RedisKeyUses({
      server: { away: () => undefined, run: (script, names, args) => runScript(client, script, names, args) },
      script: scripts.uses,
      keys: () => keys,
      clock,
    });

  keyUsesContract("RedisKeyUses", async () => {
    await client.flushall();
    return { store: open(), again: async () => open() };
  });

  it("RedisKeyUses takes no use for later than the server's time, and has the hash end by itself", async () => {
    await client.flushall();
    const key = { kind: "caller", id: "3fK9mQ2x", sha256: "ab" } as const;
    await open().keep([{ key, at: Date.now() + 3_600_000 }]);
    const read = await open().read();
    expect(read.kind === "uses" && read.uses[0]?.at).toBeLessThanOrEqual(Date.now());
    expect(await client.pttl(keys.uses)).toBeGreaterThan(USES_KEPT_MS - 60_000);
    expect(await client.hgetall(keys.uses)).toMatchObject({ "c 3fK9mQ2x ab": expect.stringMatching(/^\d{13}$/) });
  });
});
