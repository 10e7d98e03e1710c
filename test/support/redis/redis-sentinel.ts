import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { askUntil } from "./deadlines.js";
import { RedisServer, startRedis } from "./redis-server.js";

const FORM_MS = 20_000;
const SENTINELS = 3;
const QUORUM = 2;
const NAME = "counters";

/** A real master with one replica under three sentinels. All can be paused, killed and restarted one by one. */
export interface RedisSentinel {
  /** What the sentinels call the master. */
  readonly name: string;
  /** As started: after a failover the replica is the master. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];
  readonly urls: readonly string[];
  /** End all five for good. */
  stop(): Promise<void>;
}

/**
 * Start a master, a replica and three sentinels of which two must agree (down after 500 ms of silence). Resolves
 * when the replica has the master's data and every sentinel knows it and the other two sentinels.
 *
 * @throws Error with what a server said, where one does not start or they do not find each other.
 */
export async function startSentinel(): Promise<RedisSentinel> {
  const master = await startRedis();
  const replica = await startRedis({ flags: ["--replicaof", "127.0.0.1", String(master.port)] });
  await askUntil(
    FORM_MS,
    async () => String(await master.send("INFO", "replication")),
    // Sentinels read the replicas here at once, and then only every ten seconds.
    (info) => /slave0:.*state=online/.test(info),
  );
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => startOne(master.port)));
  await Promise.all(sentinels.map(knowsAll));
  const all = [...sentinels, replica, master];
  return {
    name: NAME,
    master,
    replica,
    sentinels,
    urls: sentinels.map(({ url }) => url),
    stop: async () => void (await Promise.all(all.map((server) => server.stop()))),
  };
}

async function startOne(masterPort: number): Promise<RedisServer> {
  const sentinel = await RedisServer.start({
    binary: "redis-sentinel",
    port: undefined,
    argsFor: async (port, directory) => {
      // A sentinel keeps what it learns in its own configuration file.
      const file = join(directory, "sentinel.conf");
      const lines = [
        `port ${port}`,
        "bind 127.0.0.1",
        `dir ${directory}`,
        `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} ${QUORUM}`,
        `sentinel down-after-milliseconds ${NAME} 500`,
        `sentinel failover-timeout ${NAME} 2000`,
      ];
      await writeFile(file, `${lines.join("\n")}\n`);
      return [file];
    },
  });
  // Else they greet each other every two seconds only, and ask the servers every ten.
  await sentinel.send("SENTINEL", "DEBUG", "publish-period", 200, "info-period", 1_000, "ping-period", 100);
  return sentinel;
}

async function knowsAll(sentinel: RedisServer): Promise<void> {
  await askUntil(
    FORM_MS,
    async () => String(await sentinel.send("INFO", "sentinel")),
    (info) => info.includes(`status=ok,address=`) && info.includes(`slaves=1,sentinels=${SENTINELS}`),
  );
}
