import { join } from "node:path";
import { MarksHere } from "../alerts/marks-here.js";
import type { Clock, FollowedCalls } from "../app/ports.js";
import { openDurableStore, type Restored } from "../counters/durable/open-durable-store.js";
import { openIn } from "../counters/durable/state-directory.js";
import { MemoryStore } from "../counters/memory/memory-store.js";
import { secureRandom24 } from "../counters/memory/secure-random.js";
import { PendingFile } from "../counters/pending/pending-file.js";
import type { Policy } from "../domain/policy.js";
import type { EpochMs } from "../domain/units.js";
import { UsesHere } from "../keys/uses-here.js";
import type { ServeSettings } from "../settings.js";
import type { Log } from "../telemetry/log.js";
import { systemClock } from "../telemetry/system-clock.js";
import { fileJournal } from "./open-journal.js";
import { sharedStore } from "./shared-store.js";
import type { StoreInUse } from "./store-in-use.js";

export type OpenedStore =
  | { readonly kind: "open"; readonly inUse: StoreInUse }
  | { readonly kind: "faulty"; readonly fault: string };

/**
 * Open the counters that the settings name: in Redis, in a directory, or in this process alone.
 *
 * @param policy the one in force; undefined: none is yet.
 * @param followed left out where no call is followed.
 */
export async function openStore(
  { stateDirectory, redis, storeTimeoutMs }: ServeSettings,
  log: Log,
  policy: () => Policy | undefined,
  followed?: FollowedCalls,
): Promise<OpenedStore> {
  if (redis) {
    const inUse = sharedStore({ target: redis, timeoutMs: storeTimeoutMs, log, policy, followed });
    return stateDirectory === undefined ? { kind: "open", inUse } : withPendingFile(inUse, stateDirectory, log);
  }
  if (stateDirectory === undefined) return { kind: "open", inUse: forgetfulStore() };
  const opened = await openDurableStore({ directory: stateDirectory, random: secureRandom24(), log });
  if (opened.kind === "faulty") return opened;
  const { store, restored } = opened;
  const clock = clockFrom(restored.lastSeen);
  const alerts = join(stateDirectory, "alerts.json");
  const alertsFailed = (cause: Error) =>
    log.error(`${alerts}: what was told of alerts cannot be kept, so a restart may have it told again`, cause);
  const alertMarks = new MarksHere({ clock, file: alerts, failed: alertsFailed });
  const uses = join(stateDirectory, "key-uses.json");
  const usesFailed = (cause: Error) =>
    log.error(`${uses}: when keys were used last cannot be kept, so a restart forgets it`, cause);
  const inUse: StoreInUse = {
    store,
    restored: restoredLine(stateDirectory, restored),
    clock,
    alertMarks,
    keyUses: new UsesHere({ clock, file: uses, failed: usesFailed }),
    rotations: fileJournal(stateDirectory),
    isUp: () => store.isUp,
    sweep: (count, calendar, now) => store.sweep(count, calendar, now),
    stats: (now) => store.stats(now),
    close: async () => {
      await alertMarks.close();
      await store.close();
    },
  };
  return { kind: "open", inUse };
}

/** Shared counters, with a directory where the usage that waits for them outlives this process. */
async function withPendingFile(inUse: StoreInUse, directory: string, log: Log): Promise<OpenedStore> {
  const opened = await openIn(directory, secureRandom24(), (release) => {
    const pendingFile = new PendingFile(directory);
    const { restored, unreadable } = pendingFile;
    if (restored.size > 0) log.info(`${restored.size} reports of usage in ${directory} wait for the counter store`);
    if (unreadable > 0) log.error(`${unreadable} reports of usage in ${directory} could not be read`);
    return { kind: "open" as const, pendingFile, release };
  });
  if (opened.kind === "faulty") {
    await inUse.close();
    return opened;
  }
  const close = async () => {
    await inUse.close();
    opened.release();
  };
  return { kind: "open", inUse: { ...inUse, pendingFile: opened.pendingFile, close } };
}

/** Counters that a restart forgets. */
export function forgetfulStore(): StoreInUse {
  const store = new MemoryStore(secureRandom24());
  const clock = systemClock();
  return {
    store,
    restored: undefined,
    clock,
    alertMarks: new MarksHere({ clock, failed: () => {} }),
    keyUses: new UsesHere({ clock, failed: () => {} }),
    isUp: () => true,
    sweep: (count, calendar, now) => store.sweep(count, calendar, now),
    stats: (now) => store.stats(now),
    close: () => Promise.resolve(),
  };
}

/** The system's time, from no earlier than an instant on: where it is behind, it goes on from there at half speed. */
function clockFrom(earliest: EpochMs): Clock {
  let isFirst = true;
  const wall = () => {
    const at = Date.now();
    if (!isFirst) return at;
    isFirst = false;
    return Math.max(at, earliest);
  };
  return systemClock({ wall, steady: () => performance.now() });
}

function restoredLine(directory: string, { counters, open, bytes, ms }: Restored): string {
  const read = `${bytes} bytes read in ${Math.round(ms)} ms`;
  return `counters live in ${directory} and outlive a restart: ${counters} counters and ${open} open reservations restored, ${read}`;
}
