import type { Disk, SegmentFile } from "./disk.js";
import type { StateLog } from "./durable-log.js";
import { HEAD_BYTES, writeHead } from "./segment-head.js";

/** Half of what may be lost to a power cut, so that a slow disk has the other half. */
const SYNC_MS = 500;
/** A journal is read at every start, at about this size in a second. */
const LEAST_TURNED_BYTES = 32 << 20;
const RETRY_MS = 1_000;
/** Errors that a new file would meet too. */
const NO_SPACE: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

const PROBE = Buffer.alloc(1 << 16);

export interface SegmentsOptions {
  readonly disk: Disk;
  readonly log: StateLog;
  /** A segment is followed by a new one once it has grown by so many bytes, and by twice what it began with. */
  readonly turnedBytes?: number | undefined;
}

/**
 * The segment that is written, synced in the background, and the ones before it until they are not needed.
 *
 * At most one file is made and one is synced at a time.
 */
export class Segments {
  readonly #disk: Disk;
  readonly #log: StateLog;
  readonly #leastBytes: number;
  #number: number;
  #file: SegmentFile;
  #end = HEAD_BYTES;
  #turnedBytes: number;
  /** Written to before the current one, and not synced since. */
  #left: SegmentFile[] = [];
  #next: SegmentFile | undefined;
  #making: Promise<void> | undefined;
  #isResting = false;
  /** Segments before this one are not needed once the current one is on the disk. */
  #retiredBelow = 0;
  #syncing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAsked = false;
  #failed: { readonly sync: boolean; readonly turn: boolean } = { sync: false, turn: false };
  #mustTurn = false;
  #isClosed = false;

  private constructor({ disk, log, turnedBytes }: SegmentsOptions, number: number, file: SegmentFile) {
    this.#disk = disk;
    this.#log = log;
    this.#leastBytes = turnedBytes ?? LEAST_TURNED_BYTES;
    this.#turnedBytes = this.#leastBytes;
    this.#number = number;
    this.#file = file;
  }

  /** Begin the segment after those that are there. @throws what the file system throws. */
  static async begin(options: SegmentsOptions): Promise<Segments> {
    const number = (options.disk.segments().at(-1) ?? 0) + 1;
    return new Segments(options, number, await options.disk.create(number, writeHead(number)));
  }

  /** Write bytes at the end. @returns what went wrong; then nothing was written. */
  append(bytes: Buffer, length: number): Error | undefined {
    try {
      this.#file.write(bytes, length, this.#end);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#undo(error);
      return error;
    }
    this.#end += length;
    if (this.#timer === undefined) this.#timer = setTimeout(() => void this.sync(), SYNC_MS).unref();
    return undefined;
  }

  /** See whether bytes can be written again, more of them than any change takes. @returns what goes wrong. */
  probe(): Error | undefined {
    try {
      this.#file.write(PROBE, PROBE.length, this.#end);
      this.#file.cut(this.#end);
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#undo(error);
      return error;
    }
  }

  /**
   * Go over to the next segment if it is time.
   *
   * @param isCarried whether this one holds all that lives; until then it stays.
   * @returns whether a new segment is written to now.
   */
  turnIfDue(isCarried: boolean): boolean {
    if (this.#next) {
      this.#turn(this.#next);
      return true;
    }
    if (this.#mustTurn || (isCarried && this.#end >= this.#turnedBytes)) this.#make();
    return false;
  }

  /** Remove the segments before this one, once all of this one is on the disk. */
  retireOlder(): void {
    this.#retiredBelow = this.#number;
    this.#turnedBytes = this.#leastBytes + 3 * this.#end;
    void this.sync();
  }

  /** Have all on the disk that was written before. What fails is told to the log, and tried again. */
  sync(): Promise<void> {
    this.#isAsked = true;
    this.#syncing ??= this.#syncAll().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  /** Have all on the disk, and end. */
  async close(): Promise<void> {
    await this.#making;
    await this.sync();
    this.abandon();
  }

  /** End as a crash would: what was written is in the kernel's hands. */
  abandon(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const file of [this.#file, ...this.#left, ...(this.#next ? [this.#next] : [])]) file.close();
    this.#left = [];
    this.#next = undefined;
  }

  async #syncAll(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      await this.#syncOnce();
    }
  }

  async #syncOnce(): Promise<void> {
    const { length } = this.#left;
    const retiredBelow = this.#retiredBelow;
    try {
      for (const file of [...this.#left, this.#file]) await file.sync();
      for (const file of this.#left.splice(0, length)) file.close();
      this.#retire(retiredBelow);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (this.#isClosed) return;
      if (!this.#failed.sync) this.#log.cannotSync(error);
      this.#failed = { ...this.#failed, sync: true };
      // The kernel may call what it could not write clean: only writing it anew, elsewhere, makes it safe.
      this.#mustTurn = true;
      this.#retiredBelow = 0;
      this.#timer ??= setTimeout(() => void this.sync(), RETRY_MS).unref();
      return;
    }
    if (this.#failed.sync) this.#log.syncsAgain();
    this.#failed = { ...this.#failed, sync: false };
  }

  #retire(below: number): void {
    if (below === 0) return;
    for (const segment of this.#disk.segments()) if (segment < below) this.#disk.remove(segment);
    if (this.#retiredBelow === below) this.#retiredBelow = 0;
  }

  #turn(file: SegmentFile): void {
    this.#left.push(this.#file);
    this.#file = file;
    this.#next = undefined;
    this.#number++;
    this.#end = HEAD_BYTES;
    this.#mustTurn = false;
  }

  #make(): void {
    if (this.#making || this.#isResting) return;
    this.#making = this.#makeNext().finally(() => {
      this.#making = undefined;
    });
  }

  async #makeNext(): Promise<void> {
    const number = this.#number + 1;
    try {
      this.#next = await this.#disk.create(number, writeHead(number));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!this.#failed.turn) this.#log.cannotTurn(error);
      this.#failed = { ...this.#failed, turn: true };
      this.#isResting = true;
      setTimeout(() => {
        this.#isResting = false;
      }, RETRY_MS).unref();
      return;
    }
    if (this.#failed.turn) this.#log.turnsAgain();
    this.#failed = { ...this.#failed, turn: false };
  }

  /** Take away what was written in part. Where that fails too, the next write covers it. */
  #undo(error: Error): void {
    if (!("code" in error && NO_SPACE.has(error.code))) this.#mustTurn = true;
    try {
      this.#file.cut(this.#end);
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
    }
  }
}
