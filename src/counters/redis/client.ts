import { Cluster, Redis, ReplyError } from "ioredis";
import type { Millis } from "../../domain/units.js";
import type { RedisTarget } from "./redis-url.js";
import { ScriptCommand } from "./script-command.js";
import type { Script } from "./scripts.js";

/** A connection to a server, to the master that sentinels name, or to a cluster. */
export type RedisClient = Redis | Cluster;

/** Between two tries to connect. */
const RETRY_MS: Millis = 200;
const CONNECT_MS: Millis = 1_000;
const DISCONNECT_MS: Millis = 50;
/** How often a cluster is asked who its masters are: a failover is seen by this without any call being redirected. */
const REFRESH_MS: Millis = 500;

/**
 * Connect, and connect again for ever.
 *
 * No command waits for a connection and none is sent twice: whether a lost one was carried out is for the caller to find
 * out, since a reservation that is made twice would hold twice.
 */
export function createClient(target: RedisTarget): RedisClient {
  const options = optionsFor(target);
  const single = { ...options, enableOfflineQueue: false, retryStrategy: () => RETRY_MS };
  switch (target.kind) {
    case "single":
      return new Redis({ ...single, ...target.node, db: target.database });
    case "sentinel":
      return new Redis({
        ...single,
        db: target.database,
        name: target.name,
        sentinels: [...target.sentinels],
        sentinelUsername: target.sentinelUsername,
        sentinelPassword: target.sentinelPassword,
        sentinelRetryStrategy: () => RETRY_MS,
        sentinelReconnectStrategy: () => RETRY_MS,
        sentinelCommandTimeout: CONNECT_MS,
        ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
      });
    case "cluster":
      return new Cluster([...target.nodes], {
        redisOptions: options,
        enableOfflineQueue: false,
        enableReadyCheck: true,
        clusterRetryStrategy: () => RETRY_MS,
        slotsRefreshInterval: REFRESH_MS,
        slotsRefreshTimeout: CONNECT_MS,
        // Its other kinds of retry follow answers that say that nothing was done. This one does not.
        retryDelayOnFailover: 0,
        ...(target.tls ? { dnsLookup: (address, callback) => callback(null, address) } : {}),
      });
  }
}

function optionsFor({ username, password, tls }: RedisTarget) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    protocol: 2,
    disableClientInfo: true,
    // A probe asks more than this check would.
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    // A server that takes no notice of the end of a connection must not hold up the next one.
    disconnectTimeout: DISCONNECT_MS,
  } as const;
}

/** Run a script by its name; by its text where the server does not know it. */
export async function runScript(
  client: RedisClient,
  { sha, source }: Script,
  keys: readonly string[],
  args: readonly (string | Buffer)[],
): Promise<readonly unknown[]> {
  const reply = await send(client, new ScriptCommand("evalsha", sha, keys, args)).catch((cause: unknown) => {
    if (!isReply(cause, /^NOSCRIPT\b/)) throw cause;
    // Nothing was done: the server was restarted, or told to forget its scripts.
    return send(client, new ScriptCommand("eval", source, keys, args));
  });
  return listIn(reply);
}

/** Take a reply for what every script answers by. @throws TypeError for a reply that is no list. */
export function listIn(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new TypeError("a reply of another form");
  return reply;
}

/** Send a command as it is. */
export async function send(client: RedisClient, command: ScriptCommand): Promise<unknown> {
  return client.sendCommand(command);
}

/** Whether the server itself answered so, rather than that nothing was heard of it. */
export function isReply(cause: unknown, form = /^/): boolean {
  return cause instanceof Error && cause instanceof ReplyError && form.test(cause.message);
}

/** Whether a call that failed certainly changed nothing: the server refused it, or it was never sent. */
export function wasNotDone(cause: unknown): boolean {
  return isReply(cause) || (cause instanceof Error && /enableOfflineQueue options is false/.test(cause.message));
}
