import { type BigIntStats, constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { printable } from "../domain/printable.js";
import { MOST_BYTES } from "./decode.js";

/** What a path led to: equal stamps mean that nothing there has changed. */
export interface Sight {
  readonly stamp: string;
  /** undefined: nothing that can be read; `why` says what. */
  readonly size: number | undefined;
  readonly why: string;
}

export type SteadyRead =
  | { readonly kind: "read"; readonly bytes: Uint8Array; readonly stamp: string }
  | {
      readonly kind: "unreadable";
      /** One line for a person. */
      readonly fault: string;
      /** What was seen; undefined where trying again may help although nothing there changes. */
      readonly stamp: string | undefined;
    };

export interface SteadyReadOptions {
  readonly file: string;
  /** Waits for as long as a file must have been still to be read. */
  readonly settle: () => Promise<void>;
  /** Reads the file whole; replaced where a test has to write in between. */
  readonly read?: (file: string, size: number) => Promise<Uint8Array | undefined>;
}

/** After so many looks at a file that never was still: it is being written to without end. */
const MAX_LOOKS = 50;

/**
 * Read a file that nobody is writing to.
 *
 * A half-written policy can be valid YAML, and laxer than the whole one. So a file is read only when it has looked the
 * same before and after a pause, and looks the same still after the read. Who pauses longer than that in the middle of
 * writing in place is read too early; a replacement by rename never is.
 *
 * Never throws for what the file system answers: that becomes `unreadable`.
 */
export async function readSteady({ file, settle, read = readWhole }: SteadyReadOptions): Promise<SteadyRead> {
  let seen = await look(file);
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    await settle();
    const now = await look(file);
    if (now.stamp === seen.stamp) {
      const result = await readAsSeen(file, now, read);
      if (result) return result;
    }
    seen = now;
  }
  const fault = `${printable(file)}: is being written to without a pause; write it once, or replace it by rename`;
  return { kind: "unreadable", fault, stamp: undefined };
}

/** Look at what is there, through symbolic links, without reading it. */
export async function look(file: string): Promise<Sight> {
  const found = await answered(stat(file, { bigint: true }));
  if (!("ino" in found)) {
    const why =
      found.code === "ENOENT" ? "no such file; create it, or correct the path" : `cannot be looked at (${found.code})`;
    return { stamp: found.code, size: undefined, why };
  }
  const stamp = stampOf(found);
  const why = notReadable(found);
  return { stamp, size: why ? undefined : Number(found.size), why };
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

function notReadable(found: BigIntStats): string {
  if (found.isDirectory()) return "is a directory; name the file in it";
  // Opening a pipe waits for its writer, and what it gives can be read once only.
  if (!found.isFile()) return "is no regular file; put the policy in one";
  if (found.size > MOST_BYTES)
    return `has ${found.size} bytes, more than the ${MOST_BYTES} that are read; is it the policy?`;
  return "";
}

/** @returns undefined where the file changed meanwhile. */
async function readAsSeen(
  file: string,
  seen: Sight,
  read: NonNullable<SteadyReadOptions["read"]>,
): Promise<SteadyRead | undefined> {
  const { stamp, size, why } = seen;
  if (size === undefined) return { kind: "unreadable", fault: `${printable(file)}: ${why}`, stamp };

  const bytes = await answered(read(file, size));
  const after = await look(file);
  if (bytes === undefined || after.stamp !== stamp) return undefined;
  if (bytes instanceof Uint8Array) return { kind: "read", bytes, stamp };
  const fault = `${printable(file)}: cannot be read (${bytes.code}); check that this process may read it`;
  return { kind: "unreadable", fault, stamp: undefined };
}

/** @returns undefined where the file is not of that size. */
async function readWhole(file: string, size: number): Promise<Uint8Array | undefined> {
  // Without blocking: between the look and now the path may have become a pipe.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = new Uint8Array(size + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length === size ? bytes.slice(0, size) : undefined;
  } finally {
    await handle.close();
  }
}

interface Refusal {
  readonly code: string;
}

/** What the file system answers, its refusals included; anything else is thrown. */
async function answered<T>(asked: Promise<T>): Promise<T | Refusal> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string") return { code: error.code };
    throw error;
  }
}
