import type { EpochMs } from "../../domain/units.js";
import type { Random24 } from "../memory/ids.js";
import { MemoryStore } from "../memory/memory-store.js";
import { StoreState } from "../memory/store-state.js";
import { directoryDisk } from "./directory-disk.js";
import type { Disk } from "./disk.js";
import { type Lines, StateLog } from "./durable-log.js";
import { DurableStore } from "./durable-store.js";
import { Journal } from "./journal.js";
import { recover, type Unreadable } from "./recover.js";
import { Segments } from "./segments.js";
import { type FaultyDirectory, faulty, openIn } from "./state-directory.js";

export interface DurableOptions {
  readonly directory: string;
  /** Must not be guessable: it makes reservation_ids. */
  readonly random: Random24;
  readonly log: Lines;
  /** Milliseconds that only go forward, to say how long reading took. */
  readonly steady?: () => number;
  /** How much a journal grows before the next one begins; 32 MiB and more when left out. */
  readonly turnedBytes?: number | undefined;
  /** How many records are carried into a new journal at a time; 500 when left out. */
  readonly carriedAtOnce?: number | undefined;
  /** Where segments are kept; in the directory when left out. */
  readonly disk?: (directory: string) => Disk;
}

/** What the journals of earlier processes gave. */
export interface Restored {
  readonly counters: number;
  readonly open: number;
  readonly bytes: number;
  readonly ms: number;
  /** The latest time that they knew, which no clock may be behind; 0: they knew none. */
  readonly lastSeen: EpochMs;
}

export type OpenedStore =
  | { readonly kind: "open"; readonly store: DurableStore; readonly restored: Restored }
  | FaultyDirectory;

/**
 * Open the counters that are kept in a directory, which is made where there is none.
 *
 * @throws only what is unexpected: what a person can mend comes as a fault.
 */
export function openDurableStore(options: DurableOptions): Promise<OpenedStore> {
  return openIn(options.directory, options.random, (release) => openHeld(options, release));
}

async function openHeld(options: DurableOptions, release: () => void): Promise<OpenedStore> {
  const { directory, random, steady = () => performance.now() } = options;
  const began = steady();
  const disk = (options.disk ?? directoryDisk)(directory);
  const log = new StateLog(options.log, directory);
  const state = new StoreState(random);
  const recovered = recover(disk, state, log);
  if (recovered.kind === "unreadable") return faulty(directory, unreadable(recovered));

  const { bytes, lastSeen } = recovered;
  const segments = await Segments.begin({ disk, log, turnedBytes: options.turnedBytes });
  const journal = new Journal({ state, segments, log, lastSeen, carriedAtOnce: options.carriedAtOnce });
  const memory = new MemoryStore(random, { state, log: journal });
  const store = new DurableStore({ memory, journal, segments, lastSeen, release });
  const { counters, open } = store.stats(lastSeen);
  return { kind: "open", store, restored: { counters, open, bytes, lastSeen, ms: steady() - began } };
}

function unreadable({ segment, why }: Unreadable): string {
  return why === "newer"
    ? `journal ${segment} was written by a newer version; start that version, or give another directory`
    : `journal ${segment} has no head that can be read, and may hold what was spent; restore it from a copy, or move it away and start without what it holds`;
}
