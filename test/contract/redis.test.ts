import { Cluster, Redis } from "ioredis";
import { beforeAll } from "vitest";
import type { Clock, CounterStore } from "../../src/app/ports.js";
import { type RedisClient, runScript } from "../../src/counters/redis/client.js";
import { RedisStore } from "../../src/counters/redis/redis-store.js";
import { ScriptCaller } from "../../src/counters/redis/script-caller.js";
import type { ScriptServer } from "../../src/counters/redis/script-server.js";
import { readScripts } from "../../src/counters/redis/scripts.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startCluster } from "../support/redis/redis-cluster.js";
import { startRedis } from "../support/redis/redis-server.js";
import { replicasOf } from "../support/replicas-of.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { counterStoreContract } from "./counter-store.contract.js";

type Run = ScriptServer["run"];

/** By functions of the library, which must not be refused. */
function byFunctions(client: RedisClient): Run {
  const refused = (cause: unknown) => {
    throw new Error("functions are refused", { cause });
  };
  const caller = new ScriptCaller({ client, library: readScripts().library, refused });
  return (script, keys, args) => caller.run(script, keys, args);
}

/** By scripts, as where functions are refused. */
function byScripts(client: RedisClient): Run {
  return (script, keys, args) => runScript(client, script, keys, args);
}

/** A server that is there: whatever goes wrong fails the test. */
function serverThere(run: Run): ScriptServer {
  return {
    away: () => undefined,
    run,
    told: () => undefined,
    heard: () => undefined,
    inDoubt: () => undefined,
  };
}

/** A store whose time is the test's. */
function storeOn(run: Run, clock: Clock, mostGathered: number, random = seededRandom24(1)): CounterStore {
  return new RedisStore({
    server: serverThere(run),
    scripts: readScripts(),
    random,
    organization: () => "acme",
    timeoutMs: 10_000,
    time: () => clock.now(),
    mostGathered,
    // What is remembered may be a second old, and the contract is held to the instant.
    refusalsKeptMs: 0,
  });
}

for (const binary of ["redis-server", "valkey-server"] as const) {
  describeWith([binary], `on a real ${binary}`, () => {
    let client: Redis;
    let functions: Run;
    beforeAll(async () => {
      const { port } = await startRedis({ binary });
      client = new Redis({ host: "127.0.0.1", port });
      functions = byFunctions(client);
      return () => client.disconnect();
    });

    counterStoreContract(
      "RedisStore",
      async (clock) => {
        await client.flushall();
        return { store: storeOn(functions, clock, 16) };
      },
      { runs: binary === "redis-server" ? 100 : 25 },
    );

    // One of them dies every few calls, and another takes its place.
    counterStoreContract(
      "RedisStore, three replicas that come and go",
      async (clock) => {
        await client.flushall();
        const random = seededRandom24(2);
        return { store: replicasOf(() => storeOn(byScripts(client), clock, 16, random), { count: 3, lives: 7 }) };
      },
      { runs: 50 },
    );
  });
}

describeWith(["redis-server", "redis-cli"], "on a real cluster", () => {
  let client: Cluster;
  let functions: Run;
  beforeAll(async () => {
    const { nodes } = await startCluster();
    client = new Cluster(nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
    functions = byFunctions(client);
    return () => client.disconnect();
  });

  counterStoreContract(
    "RedisStore, each call sent alone",
    async (clock) => {
      await Promise.all(client.nodes("master").map((node) => node.flushall()));
      return { store: storeOn(functions, clock, 1) };
    },
    { runs: 25 },
  );
});
