import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Read a message's bytes strictly: text that is no UTF-8 throws, where the default reader puts a mark in its place. */
export function strictReader(bytes: Uint8Array): BinaryReader {
  return new BinaryReader(bytes, readText);
}

/** Almost all text here is ASCII, which needs no decoder. */
function readText(bytes: Uint8Array): string {
  for (const byte of bytes) if (byte >= 0x80) return strictUtf8.decode(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/**
 * Whether bytes are whole fields, one after another.
 *
 * The generated decoder ends without a word at a field 0 or a stray end of a group, and drops what comes after. Throws
 * nothing; says nothing of what the fields hold.
 */
export function areFields(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    // Two bytes of tag, or a group: not what our messages are made of, so the slow way is good enough.
    if (tag >= 0x80 || (tag & 7) === WireType.StartGroup) return areFieldsSlowly(bytes.subarray(at));
    if (tag >>> 3 === 0) return false;
    at = skip(bytes, at + 1, tag & 7);
  }
  return at === bytes.length;
}

/** Where the field after this one begins; beyond the end where this one is cut or is none. */
function skip(bytes: Uint8Array, start: number, wireType: number): number {
  switch (wireType) {
    case WireType.Varint:
      return afterVarint(bytes, start);
    case WireType.Bit64:
      return start + 8;
    case WireType.Bit32:
      return start + 4;
    case WireType.LengthDelimited:
      return afterDelimited(bytes, start);
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function afterDelimited(bytes: Uint8Array, start: number): number {
  let length = 0;
  for (let at = start, weight = 1; at < bytes.length && at < start + 5; at++, weight *= 128) {
    const byte = bytes[at] ?? 0;
    length += (byte & 0x7f) * weight;
    if (byte < 0x80) return at + 1 + length;
  }
  return Number.POSITIVE_INFINITY;
}

function afterVarint(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((bytes[at] ?? 0) >= 0x80) at++;
  return at + 1;
}

function areFieldsSlowly(bytes: Uint8Array): boolean {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      reader.skip(wireType, number);
    }
    return reader.pos === reader.len;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
