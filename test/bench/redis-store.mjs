import { built } from "./built.mjs";

/** @type {typeof import("../../src/counters/memory/secure-random.js")} */
const { secureRandom24 } = await built("counters/memory/secure-random.js");
/** @type {typeof import("../../src/counters/redis/redis-store.js")} */
const { RedisStore } = await built("counters/redis/redis-store.js");
/** @type {typeof import("../../src/counters/redis/script-caller.js")} */
const { ScriptCaller } = await built("counters/redis/script-caller.js");
/** @type {typeof import("../../src/counters/redis/scripts.js")} */
const { readScripts } = await built("counters/redis/scripts.js");

/** @typedef {InstanceType<typeof RedisStore>} Store */

/** A machine that pauses for a moment must not make a call fail: no figure would be of a decision then. */
const TIMEOUT_MS = 10_000;

/**
 * Open the store of the built service on a Redis that is there: whatever goes wrong fails.
 *
 * @param {import("ioredis").Redis} client
 * @param {number} [mostGathered] how many calls share a script call at the most; the store's own choice when left out.
 */
export function redisStore(client, mostGathered) {
  const scripts = readScripts();
  const caller = new ScriptCaller({
    client,
    library: scripts.library,
    refused: (cause) => {
      throw new Error("functions are refused", { cause });
    },
  });
  return new RedisStore({
    server: {
      away: () => undefined,
      run: (script, keys, args) => caller.run(script, keys, args),
      told: (outcome) => {
        if (outcome !== "answered") throw new Error("a call was not answered", { cause: outcome });
      },
      heard: () => undefined,
      inDoubt: () => undefined,
    },
    scripts,
    random: secureRandom24(),
    organization: () => "acme",
    timeoutMs: TIMEOUT_MS,
    ...(mostGathered === undefined ? {} : { mostGathered }),
  });
}

/**
 * Find out which script call a reservation is, without making it.
 *
 * @param {(store: Store) => import("../../src/app/ports.js").Reserve} reserveBy what to reserve, by the store's own account.
 */
export async function captureReserve(reserveBy) {
  /** @type {{ script: import("../../src/counters/redis/scripts.js").Script, keys: readonly string[], args: readonly (string | Buffer)[] }[]} */
  const calls = [];
  const store = new RedisStore({
    server: {
      away: () => undefined,
      run: (script, keys, args) => {
        calls.push({ script, keys, args });
        return Promise.reject(new Error("not sent"));
      },
      told: () => undefined,
      heard: () => undefined,
      inDoubt: () => undefined,
    },
    scripts: readScripts(),
    random: secureRandom24(),
    organization: () => "acme",
    timeoutMs: TIMEOUT_MS,
  });
  await store.reserve(reserveBy(store));
  const [call] = calls;
  if (!call) throw new Error("nothing was sent");
  return call;
}
