import type { Entry } from "./entry.js";

/**
 * Where entries go: lines of text to a file or to stdout; records to whatever else speaks this.
 *
 * One caller at a time: nothing is added while a flush is on its way.
 */
export interface Outlet {
  /** Take one entry; some microseconds, no I/O. */
  add(entry: Entry): void;

  /** Whether as much is gathered as one flush should carry. */
  readonly isFull: boolean;

  /**
   * Hand on all that was gathered. A flush that fails keeps what it could not hand on, for the next one.
   *
   * Rejects with an Error that says why. @returns what it gave up, because it would be refused again for what it is.
   */
  flush(): Promise<GivenUp | undefined>;

  /** Never rejects. */
  close(): Promise<void>;
}

/** Entries that nobody will take. */
export interface GivenUp {
  readonly count: number;
  readonly cause: Error;
}
