import { crc32 } from "node:zlib";
import type { ByteWriter } from "./bytes.js";

/**
 * A frame is a marker and the length of what follows in four bytes, their checksum in four, and a record.
 *
 * The marker makes it cheap to find the next frame behind damage. No text that a caller chooses can look like a frame:
 * a length has a byte of 0 in it, which no id may hold.
 */
const MARKER = 0xd7;
const HEAD_BYTES = 8;
const MOST_RECORD_BYTES = (1 << 20) - 1;

/** Begin a frame; its record comes next. @returns what `endFrame` is told. */
export function beginFrame(writer: ByteWriter): number {
  return writer.skip(HEAD_BYTES);
}

/** End a frame that began at `start`. @throws RangeError for a record of more than a mebibyte. */
export function endFrame(writer: ByteWriter, start: number): void {
  const from = start + HEAD_BYTES;
  const length = writer.length - from;
  if (length > MOST_RECORD_BYTES) throw new RangeError(`a record of ${length} bytes is too long to be kept`);
  const head = (MARKER | (length << 8)) >>> 0;
  writer.setU32(start, head);
  writer.setU32(start + 4, crc32(writer.bytes.subarray(from, writer.length), head));
}

/** Bytes that hold a sound record, or that cannot be read. */
export interface Stretch {
  readonly kind: "record" | "damage";
  /** Where it begins, its frame included. */
  readonly start: number;
  /** Where its record begins; the same as `start` in damage. */
  readonly from: number;
  readonly end: number;
}

/** Go through all frames from a place on; what lies between them and cannot be read comes as damage. */
export function* stretchesOf(bytes: Buffer, first: number): Generator<Stretch> {
  for (let start = first; start < bytes.length; ) {
    const end = frameEnd(bytes, start);
    if (end > 0) {
      yield { kind: "record", start, from: start + HEAD_BYTES, end };
      start = end;
    } else {
      const next = nextFrame(bytes, start + 1);
      yield { kind: "damage", start, from: start, end: next };
      start = next;
    }
  }
}

/** Where the frame at a place ends; 0 where there is no sound one. */
function frameEnd(bytes: Buffer, start: number): number {
  const from = start + HEAD_BYTES;
  if (from >= bytes.length || bytes[start] !== MARKER) return 0;
  const head = bytes.readUInt32LE(start);
  const end = from + (head >>> 8);
  const isLong = head >>> 8 > MOST_RECORD_BYTES;
  if (isLong || end === from || end > bytes.length) return 0;
  return crc32(bytes.subarray(from, end), head) === bytes.readUInt32LE(start + 4) ? end : 0;
}

function nextFrame(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(MARKER, from); at !== -1; at = bytes.indexOf(MARKER, at + 1)) {
    if (frameEnd(bytes, at) > 0) return at;
  }
  return bytes.length;
}
