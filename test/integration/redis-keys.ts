import { Redis } from "ioredis";
import type { RedisServer } from "../support/redis/redis-server.js";

/** Ask a server by a connection of its own, which is closed afterwards. */
export async function withClient<T>(server: RedisServer, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ host: "127.0.0.1", port: server.port });
  try {
    return await ask(client);
  } finally {
    client.disconnect();
  }
}

/** Every key of a server with its time to live in ms; -1: it stays for good. */
export function timesToLive(server: RedisServer): Promise<ReadonlyMap<string, number>> {
  return withClient(server, async (client) => {
    const found = new Map<string, number>();
    for (const key of await client.keys("*")) found.set(key, await client.pttl(key));
    return found;
  });
}

/** The values of all keys that match, as bytes. */
export function valuesOf(server: RedisServer, pattern: string): Promise<readonly Buffer[]> {
  return withClient(server, async (client) => {
    const keys = await client.keys(pattern);
    const values = keys.length === 0 ? [] : await client.mgetBuffer(keys);
    return values.filter((value) => value !== null);
  });
}
