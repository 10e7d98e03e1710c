import { Redis } from "ioredis";
import { DriftCheck, type DriftCheckOptions } from "../../src/counters/redis/drift.js";
import type { DriftReport, DriftResult } from "../../src/counters/redis/drift-report.js";
import { Keys } from "../../src/counters/redis/keys.js";
import { RedisStore } from "../../src/counters/redis/redis-store.js";
import type { ScriptServer } from "../../src/counters/redis/script-server.js";
import { readScripts, type Script } from "../../src/counters/redis/scripts.js";
import { FakeClock } from "../support/fake-clock.js";
import type { PolicyWords } from "../support/policy-words.js";
import { endAfterwards } from "../support/redis/ending.js";
import type { RedisServer } from "../support/redis/redis-server.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { type Ask, Stage } from "../support/stage.js";

export const NOON = "2026-03-10T12:00:00Z";
export const keys = new Keys("acme");
export const scripts = readScripts();

/** Counters of every kind of window, in the shared hash and in a principal's own. */
export const LIMITS = {
  "organization.usd_per_month": 1e12,
  "organization.concurrent_requests": 1e6,
  "workspaces.dev.tokens_per_minute": 1e9,
  "workspaces.dev.output_tokens_per_week": 1e9,
  "roles.analyst.requests_per_day": { ceiling: 1e6, shared: true },
  "roles.developer.tokens_per_hour": 1e9,
  "roles.developer.concurrent_requests": 1e6,
  "principals.ann.input_tokens_per_minute": 1e9,
  "principals.ann.requests_per_month": 1e6,
};
const WORDS: PolicyWords = { limits: LIMITS };

/** A connection that store and check share, and what a test does before a script is run. */
export interface Line extends ScriptServer {
  readonly redis: Redis;
  before: (script: Script, args: readonly unknown[]) => Promise<unknown>;
}

/** Connect for as long as the test runs. */
export function lineTo(server: RedisServer): Line {
  const redis = new Redis({ host: "127.0.0.1", port: server.port, protocol: 2, disableClientInfo: true });
  endAfterwards(async () => redis.disconnect());
  return {
    redis,
    before: async () => undefined,
    away: () => undefined,
    async run({ sha, source }, names, args) {
      await this.before({ sha, source }, args);
      const rest = [names.length, ...names, ...args];
      const reply = await redis.callBuffer("evalsha", sha, ...rest).catch((cause: unknown) => {
        if (!String(cause).includes("NOSCRIPT")) throw cause;
        return redis.callBuffer("eval", source, ...rest);
      });
      if (!Array.isArray(reply)) throw new TypeError("a reply of another form");
      return reply;
    },
    told: () => undefined,
    heard: () => undefined,
    inDoubt: () => undefined,
  };
}

/** The system's time, where a stage wants a clock: the server's own counts, and this proposes what it says. */
export class LiveClock extends FakeClock {
  override now(): number {
    return Date.now();
  }
}

/** What is told to scripts for the time. */
export function timeOf(clock: FakeClock): { readonly time?: () => number } {
  return clock instanceof LiveClock ? {} : { time: () => clock.now() };
}

/** A store on a server, spoken to in few words. */
export function stageOn(server: ScriptServer, words: PolicyWords, clock: FakeClock): Stage {
  const random = seededRandom24(1);
  const options = { server, scripts, random, organization: () => "acme", timeoutMs: 10_000 };
  return new Stage(new RedisStore({ ...options, ...timeOf(clock) }), clock, words);
}

/** A check without pauses. */
export function checkOn(
  server: ScriptServer,
  { seed = 2, ...options }: Partial<DriftCheckOptions> & { readonly seed?: number } = {},
): DriftCheck {
  return new DriftCheck({
    server,
    scripts,
    keys: () => keys,
    leastTtlMs: () => 900_000,
    random: seededRandom24(seed),
    report: () => undefined,
    pauseMs: 0,
    ...options,
  });
}

/** A stage whose clock a test moves, and a check some seconds later, when no new reservation ends as soon as those. */
export function heldOn(line: Line, options: Partial<DriftCheckOptions> = {}, words = WORDS) {
  const clock = new FakeClock(NOON);
  const check = checkOn(line, { ...timeOf(clock), ...options });
  const run = () => {
    clock.advance(5_000);
    return check.run();
  };
  return { clock, stage: stageOn(line, words, clock), check: { run } };
}

/** What a check that must be carried out came to. */
export async function checked(coming: Promise<DriftResult>): Promise<DriftReport> {
  const result = await coming;
  if (result.kind !== "checked") throw new Error("the check was not carried out", { cause: result });
  return result;
}

/** Reserve; by the key of the record. */
export async function recordOf(stage: Stage, ask: Ask): Promise<string> {
  const { grant } = await stage.admit(ask);
  const { as = "ann", workspace = "dev" } = ask;
  return keys.record({ workspace, principal: as }, grant.requestId);
}
