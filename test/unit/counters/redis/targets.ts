import type { RedisTarget } from "../../../../src/counters/redis/redis-url.js";

/** What says nothing of who asks, nor of TLS. */
export const NOBODY = { username: undefined, password: undefined, tls: false };
/** The same of sentinels. */
export const NO_SENTINEL_SECRETS = { sentinelUsername: undefined, sentinelPassword: undefined };

/** A server of Redis, where it listens unless said otherwise. */
export function node(host: string, port = 6379) {
  return { host, port };
}

/** One server, called cache. */
export function single(words: Partial<Extract<RedisTarget, { kind: "single" }>> = {}): RedisTarget {
  return { kind: "single", node: node("cache"), database: 0, ...NOBODY, ...words };
}

/** The set of servers main, by the sentinels one and two. */
export function sentinel(words: Partial<Extract<RedisTarget, { kind: "sentinel" }>> = {}): RedisTarget {
  const sentinels = [node("one", 26_379), node("two", 26_379)];
  return { kind: "sentinel", sentinels, name: "main", database: 0, ...NOBODY, ...NO_SENTINEL_SECRETS, ...words };
}

/** A cluster, found by one and two. */
export function cluster(words: Partial<Extract<RedisTarget, { kind: "cluster" }>> = {}): RedisTarget {
  return { kind: "cluster", nodes: [node("one"), node("two")], ...NOBODY, ...words };
}
