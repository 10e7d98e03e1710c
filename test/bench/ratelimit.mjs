// envoyproxy/ratelimit with as many limits on the same Redis, all asked in one call. It counts calls only: no tokens, no
// money, nothing that is reserved first and settled later.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { PREFIX_BYTES } from "./answers.mjs";
import { put } from "./contestants.mjs";
import { askPeer, CHECKED_CALLS, checkSizes, PEERS, tag } from "./peer.mjs";
import { freePort, SERVER_CORE, start } from "./process.mjs";
import { framed, PRINCIPAL } from "./question.mjs";

const MODULE = "github.com/envoyproxy/ratelimit/src/service_cmd";
const VERSION = "v1.4.1-0.20260122083618-3fb702589d36";
const FOLDER = join(PEERS, `ratelimit-${VERSION}`);
const BINARY = join(FOLDER, "service_cmd");

const SHOULD_RATE_LIMIT = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
const DOMAIN = "windbreak";
const OK = 1;
/** What is left, and for how long: each status may be shorter or longer by as many bytes as they are. */
const VARYING_BYTES = 8;

/** As many limits as the bench's policy has, over the same windows. */
const LIMITS = [
  { key: "organization", value: "acme", unit: "month" },
  { key: "workspace_minute", value: PRINCIPAL.workspace, unit: "minute" },
  { key: "workspace_month", value: PRINCIPAL.workspace, unit: "month" },
  { key: "workspace_hour", value: PRINCIPAL.workspace, unit: "hour" },
  { key: "role", value: PRINCIPAL.role, unit: "day" },
  { key: "principal", value: PRINCIPAL.id, unit: "day" },
];

/**
 * envoyproxy/ratelimit on one core, without statistics. Built by Go on first use.
 *
 * @param {import("./redis-process.mjs").RedisProcess} redis
 * @param {(line: string) => void} say
 * @returns {Promise<import("./contestants.mjs").Contestant>}
 */
export async function ratelimit(redis, say) {
  if (!existsSync(BINARY)) {
    say(`building ${MODULE}@${VERSION} into ${FOLDER}`);
    mkdirSync(FOLDER, { recursive: true });
    execFileSync("go", ["install", `${MODULE}@${VERSION}`], {
      stdio: "inherit",
      env: { ...process.env, GOBIN: FOLDER },
    });
  }
  const config = put("ratelimit/config/limits.yaml", configuration());
  const [httpPort, debugPort] = [await freePort(), await freePort()];
  return {
    name: "envoyproxy/ratelimit",
    pacer: "envoyproxy/ratelimit",
    streams: false,
    isSilent: false,
    store: redis,
    path: SHOULD_RATE_LIMIT,
    bodyFile: put("should-rate-limit.bin", framed(shouldRateLimit())),
    start: (port) =>
      start(SERVER_CORE, [BINARY], {
        ...settings(dirname(dirname(config)), redis.port),
        GRPC_PORT: String(port),
        PORT: String(httpPort),
        DEBUG_PORT: String(debugPort),
      }),
    check,
  };
}

/**
 * @param {string} folder
 * @param {number} redisPort
 */
function settings(folder, redisPort) {
  return {
    GOMAXPROCS: "1",
    LOG_LEVEL: "error",
    DISABLE_STATS: "true",
    USE_STATSD: "false",
    HOST: "127.0.0.1",
    GRPC_HOST: "127.0.0.1",
    DEBUG_HOST: "127.0.0.1",
    RUNTIME_ROOT: folder,
    RUNTIME_SUBDIRECTORY: "",
    RUNTIME_WATCH_ROOT: "false",
    REDIS_SOCKET_TYPE: "tcp",
    REDIS_URL: `127.0.0.1:${redisPort}`,
  };
}

function configuration() {
  const rule = (/** @type {typeof LIMITS[number]} */ { key, value, unit }) =>
    `  - { key: ${key}, value: ${value}, rate_limit: { unit: ${unit}, requests_per_unit: 4000000000 } }`;
  return `domain: ${DOMAIN}\ndescriptors:\n${LIMITS.map(rule).join("\n")}\n`;
}

/** @type {import("./contestants.mjs").Contestant["check"]} */
async function check(target) {
  const reply = await askPeer(target, shouldRateLimit());
  const before = remainingIn(reply);
  const size = reply.length + PREFIX_BYTES;
  const varying = LIMITS.length * VARYING_BYTES;
  const replyBytes = await checkSizes(target, { least: size - varying, most: size + varying });
  const after = remainingIn(await askPeer(target, shouldRateLimit()));
  for (const [nth, { key, unit }] of LIMITS.entries()) {
    // A minute may have turned since.
    if (unit !== "minute") assert.equal((before[nth] ?? 0) - (after[nth] ?? 0), CHECKED_CALLS + 1, key);
  }
  return replyBytes;
}

/** An envoy.service.ratelimit.v3.RateLimitRequest: its domain, and a descriptor of one entry for each limit. */
function shouldRateLimit() {
  const writer = new BinaryWriter().uint32(tag(1)).string(DOMAIN);
  for (const { key, value } of LIMITS) {
    const entry = writer.uint32(tag(2)).fork().uint32(tag(1)).fork();
    entry.uint32(tag(1)).string(key).uint32(tag(2)).string(value);
    entry.join().join();
  }
  return writer.finish();
}

/**
 * Read how much each limit has left from a RateLimitResponse that allows.
 *
 * @param {Uint8Array} reply
 */
function remainingIn(reply) {
  const [overall] = numbersIn(reply, 1);
  assert.equal(overall, OK, "nothing refuses");
  const statuses = messagesIn(reply, 2);
  const counted = statuses.filter((status) => numbersIn(status, 1)[0] === OK && messagesIn(status, 2).length === 1);
  assert.equal(counted.length, LIMITS.length, "every limit was found");
  return counted.map((status) => numbersIn(status, 3)[0] ?? 0);
}

/**
 * @param {Uint8Array} message
 * @param {number} wanted
 * @returns {readonly number[]} the values of a field that holds integers.
 */
function numbersIn(message, wanted) {
  return Array.from(fieldsOf(message, wanted), (reader) => reader.uint32());
}

/**
 * @param {Uint8Array} message
 * @param {number} wanted
 * @returns {readonly Uint8Array[]} the values of a field that holds messages.
 */
function messagesIn(message, wanted) {
  return Array.from(fieldsOf(message, wanted), (reader) => reader.bytes());
}

/**
 * Walk the values of one field. Whoever walks reads each.
 *
 * @param {Uint8Array} message
 * @param {number} wanted
 */
function* fieldsOf(message, wanted) {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) yield reader;
    else reader.skip(wireType);
  }
}
