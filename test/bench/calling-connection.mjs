import { once } from "node:events";
import { readFileSync } from "node:fs";
import * as net from "node:net";
import * as tls from "node:tls";
import { SERVER_NAME } from "./certificates.mjs";
import * as h2 from "./http2-frames.mjs";

/** What was received is given back this often, long before the server would have to wait for it. */
const WINDOW_STEP = 1 << 20;
/** A power of two, above all calls that may be open at once on a connection. */
const SLOTS = 1024;

/**
 * @typedef {object} Parts
 * @property {number} port
 * @property {string} path
 * @property {Buffer} body of each call, gRPC's prefix included.
 * @property {number} inFlight calls that are open at once.
 * @property {import("./h2load.mjs").TlsFiles | undefined} [tls] undefined: plain text.
 * @property {(wanted: number) => number} grant how many of so many calls may be made.
 * @property {(startedAt: number, bytes: number) => void} answered told of each reply: when it was asked for, by
 *   `performance.now()`, and its length, gRPC's prefix included.
 * @property {(cause: Error) => void} failed
 */

/**
 * Unary calls on a connection of its own, all alike: a call costs a copy of some bytes and its share of a write. Calls
 * that may go at the same time go in one write.
 */
export class CallingConnection {
  #parts;
  #socket;
  #next = 1;
  #open = 0;
  #hasStarted = false;
  #isEnding = false;
  #received = 0;
  #window = h2.DEFAULT_WINDOW;
  #call;
  #first;
  #startedAt = new Float64Array(SLOTS);
  #bytes = new Uint32Array(SLOTS);

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const headers = headersOf(parts);
    const data = h2.frame(h2.DATA, h2.END_STREAM, 1, parts.body);
    this.#first = Buffer.concat([h2.indexedRequest(1, headers), data]);
    this.#call = Buffer.concat([h2.repeatedRequest(1, headers), data]);
    this.#socket = connect(parts);
    this.ready = once(this.#socket, parts.tls ? "secureConnect" : "connect");
    const readFrames = h2.frameReader((frame) => this.#take(frame));
    this.#socket.on("data", (chunk) => {
      readFrames(chunk);
      this.#ask();
    });
    this.#socket.on("error", parts.failed);
    this.#socket.on("close", () => {
      if (!this.#isEnding) parts.failed(new Error("the server closed the connection"));
    });
    this.#socket.write(h2.opening());
  }

  /** Whether no call is open. */
  get isIdle() {
    return this.#open === 0;
  }

  /** Begin to call, once the connection is ready. */
  start() {
    this.#hasStarted = true;
    this.#ask();
  }

  end() {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  /** Make as many calls as may be open. */
  #ask() {
    const { inFlight, body, grant } = this.#parts;
    const fitting = Math.floor(this.#window / body.length);
    const wanted = this.#hasStarted ? Math.min(inFlight - this.#open, fitting) : 0;
    const count = wanted > 0 ? grant(wanted) : 0;
    if (count === 0) return;
    this.#open += count;
    this.#window -= count * body.length;
    const calls = Array.from({ length: count }, () => this.#makeCall());
    this.#socket.write(calls.length === 1 ? (calls[0] ?? "") : Buffer.concat(calls));
  }

  #makeCall() {
    const stream = this.#next;
    this.#next += 2;
    // The first call puts the headers into the connection's table, and those after it name their places there.
    const bytes = Buffer.from(stream === 1 ? this.#first : this.#call);
    bytes.writeUInt32BE(stream, h2.STREAM_AT);
    bytes.writeUInt32BE(stream, bytes.length - this.#parts.body.length - h2.HEAD_BYTES + h2.STREAM_AT);
    const slot = slotOf(stream);
    this.#startedAt[slot] = performance.now();
    this.#bytes[slot] = 0;
    return bytes;
  }

  /** @param {h2.Frame} frame */
  #take({ type, flags, stream, payload }) {
    switch (type) {
      case h2.DATA:
        this.#bytes[slotOf(stream)] = (this.#bytes[slotOf(stream)] ?? 0) + payload.length;
        this.#giveBack(payload.length);
        break;
      case h2.SETTINGS:
        if (!(flags & h2.ACK)) this.#socket.write(h2.frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(0)));
        break;
      case h2.PING:
        if (!(flags & h2.ACK)) this.#socket.write(h2.frame(h2.PING, h2.ACK, 0, payload));
        break;
      case h2.WINDOW_UPDATE:
        if (stream === 0) this.#window += payload.readUInt32BE();
        break;
      case h2.RST_STREAM:
      case h2.GOAWAY:
        this.#parts.failed(new Error(`the server broke a call off: frame ${type}, ${payload.toString("hex")}`));
        break;
    }
    if (stream !== 0 && (type === h2.HEADERS || type === h2.DATA) && flags & h2.END_STREAM) this.#finish(stream);
  }

  /** @param {number} stream */
  #finish(stream) {
    this.#open -= 1;
    const slot = slotOf(stream);
    this.#parts.answered(this.#startedAt[slot] ?? 0, this.#bytes[slot] ?? 0);
  }

  /** @param {number} bytes */
  #giveBack(bytes) {
    this.#received += bytes;
    if (this.#received < WINDOW_STEP) return;
    this.#socket.write(h2.windowUpdate(0, this.#received));
    this.#received = 0;
  }
}

/** @param {number} stream */
function slotOf(stream) {
  return (stream >> 1) % SLOTS;
}

/**
 * @param {Parts} parts
 * @returns {net.Socket}
 */
function connect({ port, tls: files }) {
  const to = { host: "127.0.0.1", port, servername: SERVER_NAME };
  if (!files) return net.connect({ ...to, noDelay: true });
  const { ca, client } = files;
  const shown = client && { cert: readFileSync(client.certificate), key: readFileSync(client.key) };
  return tls.connect({ ...to, ALPNProtocols: ["h2"], ca: readFileSync(ca), ...shown }).setNoDelay(true);
}

/** @param {Parts} parts */
function headersOf({ port, path, tls: files }) {
  return {
    ":method": "POST",
    ":scheme": files ? "https" : "http",
    ":authority": `127.0.0.1:${port}`,
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  };
}
