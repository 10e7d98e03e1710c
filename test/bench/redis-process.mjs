import { Redis } from "ioredis";
import { freePort, hear, LOAD_CORE, start, stop } from "./process.mjs";

/** A Redis that is still starting is asked again every 50 ms, for five seconds. */
const RETRY = { retryStrategy: () => 50, maxRetriesPerRequest: 100 };

/**
 * A Redis of this run's own, without persistence.
 *
 * @typedef {object} RedisProcess
 * @property {number} port
 * @property {number} pid
 * @property {Redis} client for questions beside the load.
 * @property {() => Promise<void>} stop
 */

/**
 * Start Redis on the load's core: the service keeps one to itself, and whoever waits for a decision does not need his.
 *
 * @returns {Promise<RedisProcess>}
 * @throws where it does not answer.
 */
export async function startRedis() {
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = start(LOAD_CORE, ["redis-server", ...settings]);
  const said = hear(child.stdout);
  hear(child.stderr);
  const { pid } = child;
  if (pid === undefined) throw new Error("redis-server cannot be started");
  const client = redisClient(port);
  try {
    await client.ping();
  } catch (cause) {
    client.disconnect();
    await stop(child);
    throw new Error(`redis-server did not answer. It said: ${said() || "nothing"}`, { cause });
  }
  return {
    port,
    pid,
    client,
    stop: async () => {
      client.disconnect();
      await stop(child);
    },
  };
}

/**
 * Connect to a Redis that may still be starting.
 *
 * @param {number} port
 * @param {number} [database]
 */
export function redisClient(port, database = 0) {
  const client = new Redis({ port, host: "127.0.0.1", db: database, disableClientInfo: true, ...RETRY });
  // Whoever asks is told what became of it.
  client.on("error", () => undefined);
  return client;
}

/**
 * Read what Redis has spent since its start.
 *
 * @param {Redis} client
 * @returns {Promise<{ cpuUs: number, scriptUs: number, scriptCalls: number }>} `cpuUs`: user and system time of its
 *   process; `scriptUs`: time in scripts and functions that were called by
 *   name.
 */
export async function redisSpent(client) {
  const [cpu, commands] = await Promise.all([client.info("cpu"), client.info("commandstats")]);
  const seconds = field(cpu, "used_cpu_user") + field(cpu, "used_cpu_sys");
  const scripts = [...commands.matchAll(/^cmdstat_(?:evalsha|fcall):calls=(\d+),usec=(\d+)/gm)];
  const sum = (/** @type {number} */ part) => scripts.reduce((all, script) => all + Number(script[part]), 0);
  return { cpuUs: seconds * 1e6, scriptUs: sum(2), scriptCalls: sum(1) };
}

/**
 * Read how many bytes Redis has allocated.
 *
 * @param {Redis} client
 */
export async function redisBytes(client) {
  return field(await client.info("memory"), "used_memory");
}

/**
 * @param {string} info
 * @param {string} name
 */
function field(info, name) {
  return Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1] ?? Number.NaN);
}
