// As much of HTTP/2 (RFC 9113) as one client with one stream on a connection needs.

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;

export const END_STREAM = 1;
export const ACK = 1;
const END_HEADERS = 4;

export const HEAD_BYTES = 9;
export const DEFAULT_WINDOW = 65_535;
export const WIDEST_WINDOW = 2 ** 31 - 1;
export const INITIAL_WINDOW_SIZE = 4;

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
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Begin a connection whose server may send as much as it likes. */
export function opening() {
  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(INITIAL_WINDOW_SIZE, 0);
  settings.writeUInt32BE(WIDEST_WINDOW, 2);
  const wide = windowUpdate(0, WIDEST_WINDOW - DEFAULT_WINDOW);
  return Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings), wide]);
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
 * @param {Readonly<Record<string, string>>} headers pseudo-headers first; names and values below 127 bytes.
 */
export function request(stream, headers) {
  const block = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
  return frame(HEADERS, END_HEADERS, stream, Buffer.concat(block));
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
