// As much of HTTP/2 (RFC 9113) as clients need that send the same again and again.

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
const END_HEADERS = 4;

export const HEAD_BYTES = 9;
/** Where in a frame the number of its stream stands. */
export const STREAM_AT = 5;
export const DEFAULT_WINDOW = 65_535;
export const WIDEST_WINDOW = 2 ** 31 - 1;
export const INITIAL_WINDOW_SIZE = 4;

/** How a literal header begins whose name is written out (HPACK, RFC 7541 section 6.2). */
const NOT_KEPT = 0;
const KEPT = 0x40;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * @param {number} type
 * @param {number} flags
 * @param {number} stream 0: the connection.
 * @param {Uint8Array} payload
 */
export function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, STREAM_AT);
  return Buffer.concat([head, payload]);
}

/** Begin a connection whose server may send as much as it likes. */
export function opening() {
  return Buffer.concat([openingWithWindow(WIDEST_WINDOW), windowUpdate(0, WIDEST_WINDOW - DEFAULT_WINDOW)]);
}

/**
 * Begin a connection.
 *
 * @param {number} bytes that its server may send on each stream.
 */
export function openingWithWindow(bytes) {
  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(INITIAL_WINDOW_SIZE, 0);
  settings.writeUInt32BE(bytes, 2);
  return Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings)]);
}

/**
 * @param {number} stream
 * @param {number} bytes
 */
export function windowUpdate(stream, bytes) {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(WINDOW_UPDATE, 0, stream, payload);
}

/**
 * Begin a request. Its headers are literals (HPACK, RFC 7541 section 6.2.2), which every server reads.
 *
 * @param {number} stream
 * @param {Readonly<Record<string, string>>} headers pseudo-headers first.
 */
export function request(stream, headers) {
  return literalRequest(stream, headers, NOT_KEPT);
}

/**
 * The same, and the server is to keep the headers in its table (section 6.2.1), for `repeatedRequest`.
 *
 * @param {number} stream
 * @param {Readonly<Record<string, string>>} headers less than 4 KiB of them.
 */
export function indexedRequest(stream, headers) {
  return literalRequest(stream, headers, KEPT);
}

/**
 * Begin another request with the headers of the one before, by their places in the table: all after the 61 that are
 * always there, the newest first.
 *
 * @param {number} stream
 * @param {Readonly<Record<string, string>>} headers
 */
export function repeatedRequest(stream, headers) {
  const { length } = Object.keys(headers);
  const block = Buffer.from(Array.from({ length }, (_, nth) => 0x80 | (62 + length - 1 - nth)));
  return frame(HEADERS, END_HEADERS, stream, block);
}

/**
 * @param {number} stream
 * @param {Readonly<Record<string, string>>} headers
 * @param {number} form
 */
function literalRequest(stream, headers, form) {
  const block = Object.entries(headers).map(([name, value]) => literal(name, value, form));
  return frame(HEADERS, END_HEADERS, stream, Buffer.concat(block));
}

/** What a length's prefix of seven bits holds; the rest follows in groups of seven (HPACK, RFC 7541 section 5.1). */
const PREFIX = 127;

/**
 * Write one header.
 *
 * @param {string} name below 127 bytes.
 * @param {string} value
 * @param {number} [form] its first byte: what the server is to do with its table.
 */
export function literal(name, value, form = NOT_KEPT) {
  const length = [Math.min(value.length, PREFIX)];
  if (value.length >= PREFIX) {
    let rest = value.length - PREFIX;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from([form, name.length]), Buffer.from(name), Buffer.from(length), Buffer.from(value)]);
}

/**
 * Begin a request whose headers fill several frames.
 *
 * @param {number} stream
 * @param {Buffer} block
 * @param {number} most bytes of one frame.
 */
export function headerFrames(stream, block, most) {
  const frames = [];
  for (let at = 0; at < block.length; at += most) {
    const isLast = at + most >= block.length;
    const type = at === 0 ? HEADERS : CONTINUATION;
    frames.push(frame(type, isLast ? END_HEADERS : 0, stream, block.subarray(at, at + most)));
  }
  return Buffer.concat(frames);
}

/** @typedef {{ type: number, flags: number, stream: number, payload: Buffer }} Frame */

/**
 * Cut a byte stream into frames, in whatever pieces it comes.
 *
 * @param {(frame: Frame) => void} take
 * @returns {(chunk: Buffer) => void}
 */
export function frameReader(take) {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      take({
        type: bytes.readUInt8(at + 3),
        flags: bytes.readUInt8(at + 4),
        stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload: bytes.subarray(at + HEAD_BYTES, end),
      });
      at = end;
    }
    rest = bytes.subarray(at);
  };
}

/**
 * Cut the payloads of a gRPC stream into messages: one may span several frames, and one frame hold several.
 *
 * @param {(message: Buffer) => void} take
 * @returns {(payload: Buffer) => void}
 */
export function messageReader(take) {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  return (payload) => {
    const bytes = rest.length === 0 ? payload : Buffer.concat([rest, payload]);
    let at = 0;
    while (bytes.length - at >= 5) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      take(bytes.subarray(at + 5, end));
      at = end;
    }
    rest = bytes.subarray(at);
  };
}
