import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import type { ByteSink } from "./line-outlet.js";

export interface Rotation {
  /** A file that would grow beyond this is set aside first. */
  readonly maxBytes: number;
  /** How many are kept aside: FILE.1, the youngest, to FILE.n. */
  readonly files: number;
}

export interface FileSinkOptions {
  readonly path: string;
  readonly rotation: Rotation;
  /** Told, once, that a full file cannot be set aside, and why: it grows on. */
  readonly stuck: (cause: Error) => void;
}

/** Its group may read it: whoever ships logs. */
const MODE = 0o640;
const LINE_END = 10;

/**
 * Appends to a file that others may move away, remove or cut while it grows, as log rotation does: before each write it is
 * looked for by its name, and made anew where another stands there, or none.
 *
 * Where the last writer was torn off in the middle of a line, that line is ended first.
 */
export class FileSink implements ByteSink {
  readonly #options: FileSinkOptions;
  #file: FileHandle;
  /** A device such as /dev/null: it neither grows nor moves. */
  readonly #isDevice: boolean;
  #isStuck = false;

  private constructor(options: FileSinkOptions, file: FileHandle, isDevice: boolean) {
    this.#options = options;
    this.#file = file;
    this.#isDevice = isDevice;
  }

  /** @throws Error of the file system, or one that says what stands there instead of a file. */
  static async open(options: FileSinkOptions): Promise<FileSink> {
    const { path } = options;
    // Opening a pipe that nobody reads would never end.
    const there = await statIfThere(path);
    if (there && !there.isFile() && !there.isCharacterDevice()) throw new Error("is no file");
    const isDevice = there?.isCharacterDevice() === true;
    return new FileSink(options, isDevice ? await open(path, "a") : await openToAppend(path), isDevice);
  }

  async prepare(length: number): Promise<"same" | "fresh"> {
    if (this.#isDevice) return "same";
    const { path, rotation } = this.#options;
    const [there, own] = await Promise.all([statIfThere(path), this.#file.stat()]);
    if (there?.ino !== own.ino || there.dev !== own.dev) return this.#begin();
    // Others may have cut it: half a line must not begin it.
    if (there.size === 0) return "fresh";
    if (there.size + length <= rotation.maxBytes) return "same";
    return (await this.#setAside()) ? this.#begin() : "same";
  }

  async write(bytes: Buffer, from: number): Promise<number> {
    const { bytesWritten } = await this.#file.write(bytes, from);
    if (bytesWritten === 0) throw new Error("nothing could be written");
    return bytesWritten;
  }

  async close(): Promise<void> {
    try {
      await this.#file.close();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  async #begin(): Promise<"fresh"> {
    const next = await openToAppend(this.#options.path);
    await this.close();
    this.#file = next;
    return "fresh";
  }

  /** @returns whether the file has been moved away. */
  async #setAside(): Promise<boolean> {
    const { path, rotation, stuck } = this.#options;
    try {
      if (rotation.files === 0) await rm(path, { force: true });
      for (let number = rotation.files; number > 0; number--) {
        await renameIfThere(number === 1 ? path : `${path}.${number - 1}`, `${path}.${number}`);
      }
      this.#isStuck = false;
      return true;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!this.#isStuck) stuck(error);
      this.#isStuck = true;
      return false;
    }
  }
}

/** Open a file to append to, and end the line that a crash may have left without its end. */
async function openToAppend(path: string): Promise<FileHandle> {
  const file = await open(path, "a+", MODE);
  try {
    const { size } = await file.stat();
    if (size === 0) return file;
    const last = Buffer.alloc(1);
    await file.read(last, 0, 1, size - 1);
    if (last[0] !== LINE_END) await file.write(Buffer.of(LINE_END));
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
