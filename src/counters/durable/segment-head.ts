import { crc32 } from "node:zlib";

const MAGIC = "WINDBREAKJOURNAL";
/** Of the format. A newer one may be read by newer versions only. */
const VERSION = 2;
const CHECKED_BYTES = MAGIC.length + 8;

export const HEAD_BYTES = CHECKED_BYTES + 4;

/** Write what a segment begins with. */
export function writeHead(segment: number, version = VERSION): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC, "latin1");
  head.writeUInt32LE(version, MAGIC.length);
  head.writeUInt32LE(segment, MAGIC.length + 4);
  head.writeUInt32LE(crc32(head.subarray(0, CHECKED_BYTES)), CHECKED_BYTES);
  return head;
}

/** Say why a segment cannot be read by its head; undefined where it can. */
export function faultInHead(bytes: Buffer, segment: number): "damaged" | "newer" | undefined {
  if (bytes.length < HEAD_BYTES || bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return "damaged";
  if (bytes.readUInt32LE(CHECKED_BYTES) !== crc32(bytes.subarray(0, CHECKED_BYTES))) return "damaged";
  if (bytes.readUInt32LE(MAGIC.length) > VERSION) return "newer";
  return bytes.readUInt32LE(MAGIC.length + 4) === segment ? undefined : "damaged";
}
