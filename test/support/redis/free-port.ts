import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { inTime } from "./deadlines.js";

/**
 * Below what Linux and macOS hand to outgoing connections: a client that keeps dialling a server that is down
 * cannot be given the server's own port, which would keep the server from coming back on it.
 */
const LOWEST = 20_000;
const ABOVE = 32_000;
const TRIES = 50;
const given = new Set<number>();

/**
 * Find a port of 127.0.0.1 that the kernel lets be bound and that this process was not given before.
 *
 * Another process may still take it first: who binds it tries another one then.
 *
 * @throws Error where none of fifty ports could be bound.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(LOWEST, ABOVE);
    if (given.has(port) || !(await canBeBound(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`none of ${TRIES} ports of 127.0.0.1 could be bound`);
}

function canBeBound(port: number): Promise<boolean> {
  const server = createServer();
  const bound = new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, async () => {
      const closed = once(server, "close");
      server.close();
      await closed;
      resolve(true);
    });
  });
  return inTime(5_000, `port ${port}`, bound);
}
