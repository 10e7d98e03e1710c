import type { AlertMarks } from "../app/alert-ports.js";
import type { KeyUseStore } from "../app/key-use-ports.js";
import type { Clock, CounterStore } from "../app/ports.js";
import type { RotationJournal } from "../app/rotation-ports.js";
import type { PendingFile } from "../counters/pending/pending-file.js";
import type { EpochMs } from "../domain/units.js";
import type { Calendar } from "../domain/window.js";
import type { StoreStats } from "../telemetry/metrics-source.js";

/** The counters that a service decides by, with what they need from it. */
export interface StoreInUse {
  readonly store: CounterStore;
  /** What is said of them at the start; undefined: they live in this process alone, and a restart forgets them. */
  readonly restored: string | undefined;
  /** No call may be told an earlier time than the counters know. */
  readonly clock: Clock;
  /** Where usage that waits for them outlives a crash; left out: nowhere. */
  readonly pendingFile?: PendingFile;
  /** What alerts were told, where the counters that they are about live. */
  readonly alertMarks: AlertMarks;
  /** When keys were used last, there too. */
  readonly keyUses: KeyUseStore;
  /** Where it is written how far rotations of keys have come; left out: nowhere that outlives this process. */
  readonly rotations?: RotationJournal;
  /** Whether changes can be made now, as far as is known. */
  isUp(): boolean;
  /** Drop some of what is no longer needed; to be called often. */
  sweep(count: number, calendar: Calendar, now: EpochMs): void;
  /** undefined: they do not answer. */
  stats(now: EpochMs): StoreStats | undefined;
  /** Keep what is to be kept. Nothing is asked afterwards. */
  close(): Promise<void>;
}
