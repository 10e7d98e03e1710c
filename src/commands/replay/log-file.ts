import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { constants, createGunzip } from "node:zlib";
import { EXIT, type Failure, failure, type Io } from "../context.js";

/** A log that can be read, once. */
export interface LogFile {
  readonly kind: "log";
  /** As it was called. */
  readonly name: string;
  /** In bytes, packed where it is; undefined: not known beforehand. */
  readonly size: number | undefined;
  /** Its bytes as they lie there. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

const READ_AT_ONCE = 256 * 1024;
/** A line has few kilobytes: what goes on for longer is something else, and is not held in memory. */
const LONGEST_LINE = 1024 * 1024;
const LINE_END = 10;

/** Find a log; `-` is standard input. It is opened once its bytes are asked for. */
export async function findLog({ stdin }: Io, name: string): Promise<LogFile | Failure> {
  if (name === "-") return { kind: "log", name, size: undefined, bytes: stdin?.() ?? Readable.from([]) };
  try {
    const found = await stat(name);
    // A pipe has a size of 0, whatever comes through it.
    return { kind: "log", name, size: found.isFile() ? found.size : undefined, bytes: bytesOf(name) };
  } catch (error) {
    const unreadable = unreadableLog(name, error);
    if (!unreadable) throw error;
    return unreadable;
  }
}

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file, { highWaterMark: READ_AT_ONCE });
}

/** Say why a log cannot be read on; undefined where that is not known. */
export function unreadableLog(name: string, error: unknown): Failure | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return undefined;
  const isPacked = error.code.startsWith("Z_");
  const what = isPacked ? "cannot be unpacked" : "cannot be read";
  const remedy = isPacked ? "give it as gunzip makes it" : "name a file of --decision-log, or - for standard input";
  return failure(EXIT.usage, `--log ${name}: ${what} (${error.code}); ${remedy}`);
}

/**
 * Cut a log into lines, unpacking it where gzip packed it. A chunk that ends early, as when a machine went down, is read
 * as far as it goes.
 *
 * @returns lines by the batch, without their ends; undefined for one that is longer than any line is.
 */
export async function* linesIn(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<readonly (string | undefined)[]> {
  let rest = Buffer.alloc(0);
  let isTooLong = false;
  for await (const chunk of unpacked(bytes)) {
    const end = chunk.lastIndexOf(LINE_END);
    if (end < 0) {
      isTooLong ||= rest.length + chunk.length > LONGEST_LINE;
      rest = isTooLong ? Buffer.alloc(0) : Buffer.concat([rest, chunk]);
      continue;
    }
    const lines: (string | undefined)[] = Buffer.concat([rest, chunk.subarray(0, end)])
      .toString()
      .split("\n");
    if (isTooLong) lines[0] = undefined;
    yield lines;
    isTooLong = false;
    rest = Buffer.from(chunk.subarray(end + 1));
  }
  if (isTooLong) yield [undefined];
  else if (rest.length > 0) yield [rest.toString()];
}

/** What every file of gzip begins with, RFC 1952. */
const GZIP_MAGIC = [0x1f, 0x8b] as const;

async function* unpacked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const chunks = bytes[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const isPacked = GZIP_MAGIC.every((byte, index) => first.value[index] === byte);
  const all = joined(first.value, chunks);
  for await (const chunk of isPacked ? gunzip(all) : all) yield asBuffer(chunk);
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    // Who reads no further must not leave the file open.
    await rest.return?.();
  }
}

function gunzip(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const unzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: READ_AT_ONCE });
  // Whatever fails is thrown where the result is read.
  pipeline(Readable.from(bytes), unzip, () => {});
  return unzip;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
