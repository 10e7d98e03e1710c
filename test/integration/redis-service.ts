import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../src/commands/open-store.js";
import { Service } from "../../src/commands/service.js";
import { parseRedisUrl } from "../../src/counters/redis/redis-url.js";
import { IssuerKeys } from "../../src/keys/issuer-keys.js";
import { LivePolicy } from "../../src/policy/live-policy.js";
import { loadHere } from "../../src/policy/load-in-worker.js";
import type { ServeSettings } from "../../src/settings.js";
import { formatAddress } from "../../src/transport/address.js";
import { askUntil } from "../support/redis/deadlines.js";
import { afterwards, connect, temporaryDirectory } from "./running-service.js";

/** What a busy machine may take until a store that is there is found. */
const UP_MS = 10_000;
const LOOPBACK = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

interface SharedOptions {
  readonly timeoutMs?: number;
  /** Whether to wait until the store answers; it is when left out. */
  readonly awaitsStore?: boolean;
  /** Whether callers prove who they are; they are declared when left out. */
  readonly proves?: boolean;
}

/** Serve a policy in this process, with the counters in the Redis that a URL names. */
export async function startShared(policy: string, url: string, options: SharedOptions = {}) {
  const { timeoutMs = 50, awaitsStore = true, proves = false } = options;
  const redis = parseRedisUrl(url);
  if (redis.kind === "fault") throw new Error(redis.what);
  const file = join(temporaryDirectory(), "policy.yaml");
  writeFileSync(file, policy);
  const settings: ServeSettings = {
    policyFile: file,
    listen: [LOOPBACK],
    admin: LOOPBACK,
    adminIsDefault: false,
    identity: { kind: proves ? "credential" : "declared" },
    declaredIsExposed: false,
    redis,
    storeTimeoutMs: timeoutMs,
    maxConnections: 10_000,
    maxCalls: 8_192,
    drainGraceMs: 5_000,
    drainDelayMs: 0,
    log: { format: "text", level: "info" },
  };
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const log = { info: say, warn: say, error: (line: string, cause?: unknown) => say(`${line} ${String(cause ?? "")}`) };
  let live: LivePolicy | undefined;
  const counters = await openStore(settings, log, () => live?.current());
  if (counters.kind === "faulty") throw new Error(counters.fault);
  const { inUse } = counters;
  const opened = await LivePolicy.open({ file, log, clock: inUse.clock, load: loadHere });
  if (opened.kind === "faulty") throw new Error(opened.faults.join("\n"));
  live = opened.live;
  const issuerKeys = new IssuerKeys({ clock: inUse.clock, warn: say, info: say });
  afterwards(() => issuerKeys.close());
  const service = new Service({ settings, log, clock: inUse.clock, counters: inUse, issuerKeys });
  const faults = await service.bind();
  if (faults.length > 0) throw new Error(faults.join("\n"));
  service.start(live);
  afterwards(async () => {
    opened.live.close();
    await service.stop();
  });
  const [address] = service.addresses();
  if (!address) throw new Error("nothing listens");
  const adminPort = /admin port on http:\/\/(\S+)/.exec(lines.join("\n"))?.[1] ?? "";
  const isUp = (asked: boolean) =>
    askUntil(
      UP_MS,
      async () => inUse.isUp(),
      (is) => is === asked,
    );
  if (awaitsStore) await isUp(true);
  return {
    client: connect(formatAddress(address)),
    address: formatAddress(address),
    /** Resolves once the store is taken for up, or for down. */
    isUp,
    lines,
    /** How often the log has told that the store went, and that it came. */
    told: () => ({
      down: lines.filter((line) => / is away: /.test(line)).length,
      up: lines.filter((line) => / answers, after /.test(line)).length,
    }),
    /** Ask the admin port. */
    get: async (path: string) => {
      const response = await fetch(`http://${adminPort}${path}`, { signal: AbortSignal.timeout(UP_MS) });
      return { status: response.status, text: await response.text() };
    },
    post: (path: string, body: object) =>
      fetch(`http://${adminPort}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(UP_MS),
      }),
    /** A metric without labels; undefined: it is not shown. */
    metric: async (name: string): Promise<number | undefined> => {
      const response = await fetch(`http://${adminPort}/metrics`, { signal: AbortSignal.timeout(UP_MS) });
      const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, "m").exec(await response.text())?.[1];
      return value === undefined ? undefined : Number(value);
    },
  };
}

export type SharedService = Awaited<ReturnType<typeof startShared>>;
