// A process of its own: does to a server what a hostile peer may do, and says on stdout how it went. It says "ready" once
// what it holds open is open, and holds it until its stdin ends.
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { AUTHORIZE, AUTHORIZE_STREAM } from "./contestants.mjs";
import * as h2 from "./http2-frames.mjs";
import { framed, streamQuestion, unaryBody } from "./question.mjs";

/**
 * @typedef {"idle" | "silent" | "resets" | "pings" | "settings" | "metadata" | "half_sent" | "unread"} Attack
 * @typedef {object} Task
 * @property {Attack} attack
 * @property {number} port
 * @property {number} connections at once.
 * @property {number} calls for each connection, all in all for resets; how many pings or settings.
 * @property {number} [perSecond] of resets; as fast as the server takes them when left out.
 *
 * @typedef {object} Outcome
 * @property {number} opened connections.
 * @property {number} cut those of them that the server closed.
 * @property {number} sent bytes.
 * @property {number} ms
 * @property {Record<string, number>} codes how often streams and connections were ended with each code of HTTP/2.
 */

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? "{}");
const { attack, port } = task;

const CANCEL = 8;
/** So many pings or settings go at once, less than nghttp2 takes for a flood. */
const BATCH = 500;
/** Connections that are opened at the same time. */
const ABREAST = 100;
const METADATA_BYTES = 60 * 1024;
/** A message of nearly the largest size, of which the end never comes. */
const HALF_SENT_BYTES = 64_000;
const FRAME_BYTES = 16_384;

/** @type {Outcome} */
const outcome = { opened: 0, cut: 0, sent: 0, ms: 0, codes: {} };

/** One connection that keeps to no rule but those of framing. */
class Knock {
  socket = connect({ host: "127.0.0.1", port, noDelay: true });
  acks = 0;
  isOver = false;

  constructor() {
    this.socket.on("error", () => {});
    this.socket.once("close", () => {
      if (!this.isOver) outcome.cut += 1;
      this.isOver = true;
    });
  }

  async open() {
    await Promise.race([once(this.socket, "connect"), once(this.socket, "close")]).catch(() => {});
    outcome.opened += 1;
    return this;
  }

  /** @param {Uint8Array} first what is said first. */
  begin(first = h2.opening()) {
    this.socket.on(
      "data",
      h2.frameReader(({ type, flags, payload }) => {
        if ((type === h2.PING || type === h2.SETTINGS) && flags & h2.ACK) this.acks += 1;
        else if (type === h2.SETTINGS) this.socket.write(h2.frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(0)));
        else if (type === h2.PING) this.socket.write(h2.frame(h2.PING, h2.ACK, 0, payload));
        if (type === h2.RST_STREAM) this.#ended(payload.readUInt32BE());
        if (type === h2.GOAWAY) this.#ended(payload.readUInt32BE(4));
      }),
    );
    return this.send(first);
  }

  /** @param {Uint8Array} bytes */
  async send(bytes) {
    if (this.isOver) return;
    outcome.sent += bytes.length;
    if (!this.socket.write(bytes)) await Promise.race([once(this.socket, "drain"), this.#closed()]).catch(() => {});
  }

  end() {
    this.isOver = true;
    this.socket.destroy();
  }

  #closed() {
    return this.isOver ? Promise.resolve() : once(this.socket, "close");
  }

  /** @param {number} code */
  #ended(code) {
    outcome.codes[code] = (outcome.codes[code] ?? 0) + 1;
  }
}

/** @param {string} path */
function headers(path) {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":authority": `127.0.0.1:${port}`,
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  };
}

/** Open all connections, a hundred at a time, and do something with each. */
async function openAll(/** @type {(knock: Knock) => unknown} */ then) {
  /** @type {Knock[]} */
  const knocks = [];
  while (knocks.length < task.connections) {
    /** @type {Knock[]} */
    const batch = Array.from({ length: Math.min(ABREAST, task.connections - knocks.length) }, () => new Knock());
    await Promise.all(batch.map(async (knock) => then(await knock.open())));
    knocks.push(...batch);
  }
  return knocks;
}

/** Say that all is open, and wait until told to go, or until the server has closed it all. */
async function hold(/** @type {readonly Knock[]} */ knocks) {
  process.stdout.write("ready\n");
  await Promise.race([once(process.stdin.resume(), "end"), Promise.all(knocks.map(({ socket }) => gone(socket)))]);
  for (const knock of knocks) knock.end();
}

/**
 * A connection that breaks is one that was cut off.
 *
 * @param {import("node:net").Socket} socket
 */
async function gone(socket) {
  if (!socket.destroyed) await once(socket, "close").catch(() => {});
}

/** Begin calls and break each off at once. Where it is cut off it connects again. */
async function resets() {
  const code = Buffer.alloc(4);
  code.writeUInt32BE(CANCEL);
  const body = unaryBody();
  const begun = performance.now();
  let knock = await new Knock().open();
  await knock.begin();
  let stream = 1;
  for (let done = 0; done < task.calls; ) {
    const due = task.perSecond ? ((performance.now() - begun) / 1000) * task.perSecond : done + BATCH;
    for (; done < Math.min(due, task.calls) && !knock.isOver; done++) {
      const call = [h2.request(stream, headers(AUTHORIZE)), h2.frame(h2.DATA, h2.END_STREAM, stream, body)];
      await knock.send(Buffer.concat([...call, h2.frame(h2.RST_STREAM, 0, stream, code)]));
      stream += 2;
    }
    await wait(2);
    if (!knock.isOver) continue;
    knock = await new Knock().open();
    await knock.begin();
    stream = 1;
  }
  knock.end();
}

/**
 * Send frames that have to be answered, as fast as they are. Where it is cut off it connects again.
 *
 * @param {Buffer} one
 */
async function flood(one) {
  const batch = Buffer.concat(Array(BATCH).fill(one));
  for (let sent = 0; sent < task.calls; ) {
    const knock = await new Knock().open();
    await knock.begin();
    while (sent < task.calls && !knock.isOver) {
      const enough = knock.acks + BATCH;
      await knock.send(batch);
      sent += BATCH;
      while (knock.acks < enough && !knock.isOver) {
        await Promise.race([once(knock.socket, "data"), gone(knock.socket)]).catch(() => {});
      }
    }
    knock.end();
  }
}

/** @param {Knock} knock */
async function sendMetadata(knock) {
  await knock.begin();
  for (let call = 0; call < task.calls; call++) {
    const stream = 1 + 2 * call;
    const plain = h2.request(stream, headers(AUTHORIZE)).subarray(h2.HEAD_BYTES);
    const block = Buffer.concat([plain, h2.literal("x-much", "a".repeat(METADATA_BYTES))]);
    await knock.send(h2.headerFrames(stream, block, FRAME_BYTES));
  }
}

/** @param {Knock} knock */
async function sendHalves(knock) {
  await knock.begin();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(HALF_SENT_BYTES + 1, 1);
  const rest = Array(4).fill(Buffer.alloc(HALF_SENT_BYTES / 4));
  for (let call = 0; call < task.calls; call++) {
    const stream = 1 + 2 * call;
    const parts = [prefix, ...rest].map((bytes) => h2.frame(h2.DATA, 0, stream, bytes));
    await knock.send(Buffer.concat([h2.request(stream, headers(AUTHORIZE)), ...parts]));
  }
}

/** Ask on many streams as much as the server takes, and let it send no answer. @param {Knock} knock */
async function askUnread(knock) {
  await knock.begin(h2.openingWithWindow(0));
  const question = h2.frame(h2.DATA, 0, 1, framed(streamQuestion("")));
  const perWindow = Math.floor((h2.DEFAULT_WINDOW - 1) / (question.length - h2.HEAD_BYTES));
  for (let call = 0; call < task.calls; call++) {
    const stream = 1 + 2 * call;
    const asked = h2.frame(h2.DATA, 0, stream, framed(streamQuestion("")));
    await knock.send(Buffer.concat([h2.request(stream, headers(AUTHORIZE_STREAM)), ...Array(perWindow).fill(asked)]));
  }
}

async function run() {
  switch (attack) {
    case "silent":
      return hold(await openAll((knock) => knock.socket.resume()));
    case "idle":
      return hold(await openAll((knock) => knock.begin()));
    case "metadata":
      return hold(await openAll(sendMetadata));
    case "half_sent":
      return hold(await openAll(sendHalves));
    case "unread":
      return hold(await openAll(askUnread));
    case "resets":
      return resets();
    case "pings":
      return flood(h2.frame(h2.PING, 0, 0, Buffer.alloc(8)));
    case "settings":
      return flood(h2.frame(h2.SETTINGS, 0, 0, Buffer.alloc(0)));
  }
}

const begun = performance.now();
await run();
outcome.ms = Math.round(performance.now() - begun);
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit(0);
