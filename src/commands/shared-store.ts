import { randomUUID } from "node:crypto";
import type { FollowedCalls } from "../app/ports.js";
import { secureRandom24 } from "../counters/memory/secure-random.js";
import { createClient } from "../counters/redis/client.js";
import { DriftCheck } from "../counters/redis/drift.js";
import { describeDrift } from "../counters/redis/drift-report.js";
import { InDoubt } from "../counters/redis/in-doubt.js";
import { Keys } from "../counters/redis/keys.js";
import { RedisLink } from "../counters/redis/link.js";
import { RedisAlertMarks } from "../counters/redis/redis-alert-marks.js";
import { RedisKeyUses } from "../counters/redis/redis-key-uses.js";
import { RedisRotationJournal } from "../counters/redis/redis-rotation-journal.js";
import { RedisStore } from "../counters/redis/redis-store.js";
import { formatTarget, type RedisTarget } from "../counters/redis/redis-url.js";
import { readScripts } from "../counters/redis/scripts.js";
import { StoreClock } from "../counters/redis/store-clock.js";
import type { Policy } from "../domain/policy.js";
import type { Millis } from "../domain/units.js";
import type { Log } from "../telemetry/log.js";
import { systemClock } from "../telemetry/system-clock.js";
import { thisProcess } from "./open-journal.js";
import type { StoreInUse } from "./store-in-use.js";

export interface SharedStoreOptions {
  readonly target: RedisTarget;
  readonly timeoutMs: Millis;
  readonly log: Log;
  /** The policy in force; undefined: none is yet. */
  readonly policy: () => Policy | undefined;
  /** Left out where no call is followed. */
  readonly followed?: FollowedCalls | undefined;
}

/** Make the counters that several replicas share. Does not wait for the servers: until they answer, the store is away. */
export function sharedStore({ target, timeoutMs, log, policy, followed }: SharedStoreOptions): StoreInUse {
  const clock = new StoreClock(systemClock());
  const scripts = readScripts();
  const random = secureRandom24();
  const changes = { down: 0, emptied: 0, failed: 0, driftedLots: 0 };
  /** As the last look for drift counted them, where it was this replica's. */
  let open: number | undefined;
  const where = formatTarget(target);
  let wentDown = performance.now();

  const keys = () => {
    const name = policy()?.organization;
    return name === undefined ? undefined : new Keys(name);
  };

  const link = new RedisLink({
    client: createClient(target),
    scripts,
    keys,
    timeoutMs,
    events: {
      up: () => {
        const seconds = ((performance.now() - wentDown) / 1000).toFixed(1);
        log.info(`the counter store at ${where} answers, after ${seconds} s`);
      },
      down: (cause) => {
        changes.down++;
        wentDown = performance.now();
        log.error(`the counter store at ${where} is away: on_store_failure decides until it answers`, cause);
      },
      emptied: () => {
        changes.emptied++;
        log.error(
          `the counter store at ${where} has lost what it held: whatever was used and reserved before counts no more. See its persistence and its failovers`,
        );
      },
      time: (now) => clock.hear(now),
      inDoubt: (id) => inDoubt.add(id),
      failed: (cause) => {
        changes.failed++;
        // One line a change is enough for a server that is away; something that cannot be read is worth each.
        log.error(`the counter store at ${where} could not carry out a call`, cause);
      },
      functionsRefused: (cause) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        log.warn(`the counter store at ${where} takes no functions, so each decision costs it more: ${why}`);
      },
    },
  });
  const store = new RedisStore({
    server: link,
    scripts,
    random,
    organization: () => policy()?.organization ?? "",
    timeoutMs,
    followed,
  });
  const inDoubt = new InDoubt({
    isUp: () => link.isUp(),
    giveBack: async (reservationId) => (await store.forget(reservationId)).kind,
  });
  const drift = new DriftCheck({
    server: link,
    scripts,
    keys: () => new Keys(policy()?.organization ?? ""),
    leastTtlMs: () => leastTtlMs(policy()),
    random,
    report: (result) => {
      if (result.kind !== "checked") return;
      changes.driftedLots += result.differed;
      open = result.open;
      const repaired = describeDrift(result);
      if (repaired !== undefined) log.warn(repaired);
    },
  });
  drift.start();
  const alertMarks = new RedisAlertMarks({
    server: link,
    lease: scripts.lease,
    keys: () => new Keys(policy()?.organization ?? ""),
    value: randomUUID(),
  });

  return {
    store,
    alertMarks,
    keyUses: new RedisKeyUses({ server: link, script: scripts.uses, keys, clock }),
    rotations: new RedisRotationJournal({
      place: where,
      server: link,
      rotation: scripts.rotation,
      keys: () => new Keys(policy()?.organization ?? ""),
      who: thisProcess(),
    }),
    restored: `counters live in ${where}, shared by all who are told so`,
    clock,
    isUp: () => link.isUp(),
    sweep: () => undefined,
    stats: () => ({
      open: link.isUp() ? open : undefined,
      expired: undefined,
      remembered: undefined,
      counters: undefined,
      // This process knows them whether or not the store answers.
      shared: {
        isUp: link.isUp(),
        ...changes,
        refusedHere: store.refusedHere,
        refusalsShared: store.refusalsShared,
        inDoubt: inDoubt.size,
        inDoubtDropped: inDoubt.dropped,
      },
    }),
    close: async () => {
      inDoubt.close();
      const stopped = drift.stop();
      link.close();
      await stopped;
    },
  };
}

/** What no reservation made from now on ends before; without a workspace nobody makes one. */
function leastTtlMs(policy: Policy | undefined): Millis {
  const ttls = Array.from(policy?.workspaces.values() ?? [], ({ reservationTtlMs }) => reservationTtlMs);
  return ttls.length > 0 ? Math.min(...ttls) : 0;
}
