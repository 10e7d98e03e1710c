import type {
  Account,
  Charge,
  ChargeResult,
  CounterPage,
  CounterStore,
  DayPage,
  Page,
  Reading,
  Release,
  ReleaseResult,
  ReservationPage,
  Reserve,
  ReserveResult,
  Settle,
  SettleResult,
  TotalPage,
} from "../../app/ports.js";
import type { Caller } from "../../domain/caller.js";
import type { EpochMs } from "../../domain/units.js";
import type { Calendar } from "../../domain/window.js";
import type { MemoryStore, StoreStats } from "../memory/memory-store.js";
import type { Journal } from "./journal.js";
import type { Segments } from "./segments.js";

export interface DurableParts {
  readonly memory: MemoryStore;
  readonly journal: Journal;
  readonly segments: Segments;
  /** The latest time that an earlier process knew. */
  readonly lastSeen: EpochMs;
  /** Lets go of the directory. */
  readonly release: () => void;
}

/**
 * The counter store of one process whose changes are written before they are answered, so that the next process goes on
 * where this one ended, however it ended.
 *
 * Time does not go back here either: told an earlier one than before, also by an earlier process, it takes the later.
 */
export class DurableStore implements CounterStore {
  readonly #memory: MemoryStore;
  readonly #journal: Journal;
  readonly #segments: Segments;
  readonly #release: () => void;
  #now: EpochMs;

  constructor({ memory, journal, segments, lastSeen, release }: DurableParts) {
    this.#memory = memory;
    this.#journal = journal;
    this.#segments = segments;
    this.#release = release;
    this.#now = lastSeen;
  }

  /** Whether changes can be written, as far as the last one showed. */
  get isUp(): boolean {
    return !this.#journal.isFailing;
  }

  open(caller: Caller): Account {
    return this.#memory.open(caller);
  }

  reserve(reserve: Reserve): ReserveResult {
    return this.#memory.reserve(this.#timed(reserve));
  }

  settle(settle: Settle): SettleResult {
    return this.#memory.settle(this.#timed(settle));
  }

  charge(charge: Charge): ChargeResult {
    return this.#memory.charge(this.#timed(charge));
  }

  release(release: Release): ReleaseResult {
    return this.#memory.release(this.#timed(release));
  }

  read(account: Account, calendar: Calendar, now: EpochMs): readonly Reading[] {
    return this.#memory.read(account, calendar, this.#at(now));
  }

  counters(page: Page): CounterPage {
    return this.#memory.counters(page);
  }

  reservations(page: Page, now: EpochMs): ReservationPage {
    return this.#memory.reservations(page, this.#at(now));
  }

  totals(page: DayPage, now: EpochMs): TotalPage {
    return this.#memory.totals(page, this.#at(now));
  }

  /**
   * Drop some of what is no longer needed, and carry some of what is into the newest segment; to be called often.
   *
   * @param count at most so many records and counters are looked at, which bounds the time it takes.
   */
  sweep(count: number, calendar: Calendar, now: EpochMs): void {
    const at = this.#at(now);
    this.#memory.sweep(count, calendar, at);
    this.#journal.step(at);
  }

  stats(now: EpochMs): StoreStats {
    return this.#memory.stats(this.#at(now));
  }

  /** Have all on the disk that was answered. */
  sync(): Promise<void> {
    return this.#segments.sync();
  }

  /** Have all on the disk, and let go of the directory. Nothing may be asked afterwards. */
  async close(): Promise<void> {
    this.#journal.tell(this.#now);
    await this.#segments.close();
    this.#release();
  }

  /** Leave everything as a crash would; for tests. */
  abandon(): void {
    this.#segments.abandon();
    this.#release();
  }

  #timed<Asked extends { readonly now: EpochMs }>(asked: Asked): Asked {
    if (asked.now < this.#now) return { ...asked, now: this.#now };
    this.#now = asked.now;
    return asked;
  }

  #at(now: EpochMs): EpochMs {
    this.#now = Math.max(this.#now, now);
    return this.#now;
  }
}
