import { Redis } from "ioredis";
import type { FaultProxy } from "../support/fault-proxy.js";
import { freePort } from "../support/redis/free-port.js";
import type { RedisServer } from "../support/redis/redis-server.js";
import type { SharedService } from "./redis-service.js";

/** What a failure is made of. */
export interface Stage {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
  readonly service: SharedService;
}

/** One way in which a store can be away. */
export interface Failure {
  readonly name: string;
  readonly breakIt: (stage: Stage) => Promise<unknown>;
  readonly mendIt: (stage: Stage) => Promise<unknown>;
  /** What the log's cause says. */
  readonly cause: RegExp;
}

/** Each leaves the service unable to count, and is mended without it. */
export const FAILURES: readonly Failure[] = [
  {
    name: "killed, and refuses connections",
    breakIt: ({ server }) => server.kill("SIGKILL"),
    mendIt: ({ server }) => server.restart(),
    cause: /closed|ECONNREFUSED|ECONNRESET|isn't writeable/,
  },
  {
    name: "paused",
    breakIt: ({ server }) => server.kill("SIGSTOP"),
    mendIt: ({ server }) => server.kill("SIGCONT"),
    cause: /no answer within 50 ms/,
  },
  {
    name: "slow beyond the timeout",
    breakIt: ({ proxy }) => proxy.delay(200),
    mendIt: ({ proxy }) => proxy.pass(),
    cause: /no answer within 50 ms/,
  },
  {
    name: "cut in the middle of each reply",
    breakIt: ({ proxy }) => proxy.cutAfter(3),
    mendIt: ({ proxy }) => proxy.pass(),
    cause: /closed|ECONNRESET|isn't writeable/,
  },
  {
    name: "half open: it takes everything and answers nothing",
    breakIt: ({ proxy }) => proxy.halfOpen(),
    mendIt: ({ proxy }) => proxy.pass(),
    cause: /no answer within 50 ms/,
  },
  {
    name: "a replica of a server that is not there",
    breakIt: async ({ server }) => server.send("REPLICAOF", "127.0.0.1", await freePort()),
    mendIt: ({ server }) => server.send("REPLICAOF", "NO", "ONE"),
    cause: /READONLY/,
  },
  {
    name: "a replica that does not answer with old data",
    breakIt: async ({ server }) => {
      await server.send("CONFIG", "SET", "replica-serve-stale-data", "no");
      await server.send("REPLICAOF", "127.0.0.1", await freePort());
    },
    mendIt: ({ server }) => server.send("REPLICAOF", "NO", "ONE"),
    // A function is refused for the one reason, a script for the other.
    cause: /MASTERDOWN|READONLY/,
  },
  {
    name: "out of memory",
    breakIt: async ({ server }) => {
      await server.send("CONFIG", "SET", "maxmemory-policy", "noeviction");
      await server.send("CONFIG", "SET", "maxmemory", "1mb");
    },
    mendIt: ({ server }) => server.send("CONFIG", "SET", "maxmemory", "0"),
    cause: /OOM/,
  },
  {
    name: "without the replica that it must have",
    breakIt: ({ server }) => server.send("CONFIG", "SET", "min-replicas-to-write", "1"),
    mendIt: ({ server }) => server.send("CONFIG", "SET", "min-replicas-to-write", "0"),
    cause: /NOREPLICAS/,
  },
  {
    name: "forbids its scripts",
    breakIt: ({ server }) => server.send("ACL", "SETUSER", "default", "-@scripting"),
    mendIt: ({ server }) => server.send("ACL", "SETUSER", "default", "+@all"),
    cause: /NOPERM/,
  },
  {
    name: "forbids what its scripts do",
    breakIt: ({ server }) => server.send("ACL", "SETUSER", "default", "-@hash"),
    mendIt: ({ server }) => server.send("ACL", "SETUSER", "default", "+@all"),
    cause: /can't run this command|NOPERM/,
  },
  {
    name: "asks for a password that it was not given",
    breakIt: async ({ server, proxy }) => {
      await server.send("CONFIG", "SET", "requirepass", "another");
      proxy.cutAll();
    },
    mendIt: ({ server }) => setPassword(server, ""),
    cause: /NOAUTH|closed|isn't writeable/,
  },
  {
    name: "busy with another's script",
    breakIt: async ({ server }) => {
      await server.send("CONFIG", "SET", "busy-reply-threshold", "1");
      void server.send("EVAL", "while true do end", 0).catch(() => {});
    },
    mendIt: ({ server }) => server.send("SCRIPT", "KILL"),
    cause: /BUSY|no answer/,
  },
];

/** Give a server that takes the password `another` a new one. */
export async function setPassword(server: RedisServer, password: string): Promise<void> {
  const client = new Redis({ host: "127.0.0.1", port: server.port, password: "another" });
  try {
    await client.config("SET", "requirepass", password);
  } finally {
    client.disconnect();
  }
}
