import { connect } from "node:net";
import * as h2 from "./http2-frames.mjs";
import { framed } from "./question.mjs";

/** The first stream that a client may open. */
const STREAM = 1;
/** What was received is given back this often, long before the server would have to wait for it. */
const WINDOW_STEP = 1 << 20;

/**
 * @typedef {object} Parts
 * @property {number} port
 * @property {string} path
 * @property {number} inFlight questions that are open at once.
 * @property {Buffer} template one question as a message.
 * @property {(frames: Buffer, at: number) => void} identify gives the question whose frame starts at `at` an id of its own.
 * @property {(answer: Buffer) => void} answered told of each answer.
 * @property {(cause: Error) => void} failed
 */

/**
 * One AuthorizeStream on a connection of its own, written for speed: a question costs a copy of some bytes and its
 * share of a write. Each question is a DATA frame of its own, as the gRPC libraries send it; questions that may go at
 * the same time go in one write.
 */
export class QuestionStream {
  #parts;
  #frame;
  #socket;
  #open = 0;
  #isEnding = false;
  #isOver = false;
  #received = 0;
  /** What we may still send: on the connection, and on the stream. */
  #connectionWindow = h2.DEFAULT_WINDOW;
  #streamWindow = h2.DEFAULT_WINDOW;
  #initialWindow = h2.DEFAULT_WINDOW;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#frame = h2.frame(h2.DATA, 0, STREAM, framed(parts.template));
    this.#socket = connect({ host: "127.0.0.1", port: parts.port, noDelay: true });
    const readMessages = h2.messageReader((answer) => {
      this.#open -= 1;
      parts.answered(answer);
    });
    const readFrames = h2.frameReader((frame) => this.#take(frame, readMessages));
    this.#socket.on("data", (chunk) => {
      readFrames(chunk);
      this.#ask();
    });
    this.#socket.on("error", parts.failed);
    this.#socket.on("close", () => {
      if (!this.#isOver) parts.failed(new Error("the server closed the connection"));
    });
    this.#socket.write(Buffer.concat([h2.opening(), h2.request(STREAM, headersOf(parts))]));
    this.#ask();
  }

  /** Whether every question was answered and the server ended the stream. */
  get isOver() {
    return this.#isOver;
  }

  /** Ask no more. The stream is over when all that was asked is answered. */
  end() {
    this.#isEnding = true;
    this.#socket.write(h2.frame(h2.DATA, h2.END_STREAM, STREAM, Buffer.alloc(0)));
  }

  /** Send as many questions as may be open. */
  #ask() {
    if (this.#isEnding) return;
    const { inFlight, identify } = this.#parts;
    const cost = this.#frame.length - h2.HEAD_BYTES;
    const fitting = Math.floor(Math.min(this.#connectionWindow, this.#streamWindow) / cost);
    const count = Math.min(inFlight - this.#open, fitting);
    if (count <= 0) return;

    const frames = Buffer.allocUnsafe(count * this.#frame.length);
    for (let at = 0; at < frames.length; at += this.#frame.length) {
      this.#frame.copy(frames, at);
      identify(frames, at);
    }
    this.#open += count;
    this.#connectionWindow -= count * cost;
    this.#streamWindow -= count * cost;
    this.#socket.write(frames);
  }

  /**
   * @param {h2.Frame} frame
   * @param {(payload: Buffer) => void} readMessages
   */
  #take({ type, flags, stream, payload }, readMessages) {
    switch (type) {
      case h2.DATA:
        readMessages(payload);
        this.#giveBack(payload.length);
        break;
      case h2.HEADERS:
        if (flags & h2.END_STREAM) this.#finish();
        break;
      case h2.SETTINGS:
        if (!(flags & h2.ACK)) this.#adopt(payload);
        break;
      case h2.PING:
        if (!(flags & h2.ACK)) this.#socket.write(h2.frame(h2.PING, h2.ACK, 0, payload));
        break;
      case h2.WINDOW_UPDATE:
        if (stream === STREAM) this.#streamWindow += payload.readUInt32BE();
        else this.#connectionWindow += payload.readUInt32BE();
        break;
      case h2.RST_STREAM:
      case h2.GOAWAY:
        this.#parts.failed(new Error(`the server broke the stream off: frame ${type}, ${payload.toString("hex")}`));
        break;
    }
  }

  /** @param {number} bytes */
  #giveBack(bytes) {
    this.#received += bytes;
    if (this.#received < WINDOW_STEP) return;
    this.#socket.write(Buffer.concat([h2.windowUpdate(0, this.#received), h2.windowUpdate(STREAM, this.#received)]));
    this.#received = 0;
  }

  /** @param {Buffer} settings */
  #adopt(settings) {
    for (let at = 0; at < settings.length; at += 6) {
      if (settings.readUInt16BE(at) !== h2.INITIAL_WINDOW_SIZE) continue;
      const size = settings.readUInt32BE(at + 2);
      this.#streamWindow += size - this.#initialWindow;
      this.#initialWindow = size;
    }
    this.#socket.write(h2.frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(0)));
  }

  #finish() {
    this.#isOver = true;
    this.#socket.destroy();
    if (this.#open > 0) this.#parts.failed(new Error(`the server ended the stream with ${this.#open} questions open`));
  }
}

/** @param {Parts} parts */
function headersOf({ port, path }) {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":authority": `127.0.0.1:${port}`,
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  };
}
