import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { credentials, makeGenericClientConstructor, type ServerDuplexStream, type sendUnaryData } from "@grpc/grpc-js";
import { describe, expect, it, vi } from "vitest";
import { formatAddress } from "../../src/transport/address.js";
import type { CutReason } from "../../src/transport/bounds.js";
import { createServer, listen } from "../../src/transport/server.js";
import type { Patience } from "../../src/transport/session-guard.js";
import { within } from "./running-process.js";
import { afterwards } from "./running-service.js";

const LASTING_PATH = "/windbreak.v1.PolicyDecisionService/AuthorizeStream";
const UNARY_PATH = "/test.Stub/Answer";
const WAITING_PATH = "/test.Stub/Wait";
const HASTY_PATH = "/test.Stub/Hurry";
const DEADLINE_MS = 5_000;
const { NGHTTP2_ENHANCE_YOUR_CALM } = constants;

const asIs = (value: Buffer) => value;
const bytes = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
const STUB = {
  answer: { path: UNARY_PATH, requestStream: false, responseStream: false, ...bytes },
  wait: { path: WAITING_PATH, requestStream: false, responseStream: false, ...bytes },
  hurry: { path: HASTY_PATH, requestStream: true, responseStream: true, ...bytes },
  last: { path: LASTING_PATH, requestStream: true, responseStream: true, ...bytes },
} as const;
const StubClient = makeGenericClientConstructor(STUB, "test.Stub");

interface Given {
  readonly maxConnections?: number;
  readonly maxCalls?: number;
  readonly patience?: Partial<Patience>;
}

/** Serve a call that is answered at once, one that never is, one that is over with its first question, and a stream whose first question is answered by as much as nobody reads. */
async function start({ maxConnections = 100, maxCalls = 1_000, patience = {} }: Given = {}) {
  const reasons: CutReason[] = [];
  const server = createServer();
  server.addService(STUB, {
    answer: (_: unknown, reply: sendUnaryData<Buffer>) => reply(null, Buffer.from("yes")),
    wait: () => {},
    hurry: (call: ServerDuplexStream<Buffer, Buffer>) => void call.once("data", () => call.end()),
    last: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.once("data", () => call.write(Buffer.alloc(1_000_000)));
      call.on("data", () => {});
      call.on("end", () => call.end());
    },
  });
  const bounds = { maxConnections, maxCalls, cut: (reason: CutReason) => void reasons.push(reason) };
  const addresses = [{ kind: "tcp", host: "127.0.0.1", port: 0 } as const];
  const bound = await listen(server, { addresses, bounds, patience: { lookMs: 20, ...patience } });
  if (bound.kind === "refused") throw new Error(JSON.stringify(bound.faults));
  const { listeners } = bound;
  afterwards(async () => {
    for (const listener of listeners) listener.cut();
    await Promise.all(listeners.map((listener) => listener.close()));
    server.forceShutdown();
  });
  const [listener] = listeners;
  if (!listener) throw new Error("not bound");
  const where = formatAddress(listener.address);
  const port = Number(where.split(":")[1]);
  return { reasons, where, port, listener };
}

/** A connection that has begun HTTP/2. */
async function session(where: string): Promise<ClientHttp2Session> {
  const opened = connectHttp2(`http://${where}`);
  opened.setMaxListeners(0);
  opened.on("error", () => {});
  // Node 20 can hang where a client destroys a session of which the server ended a stream. The server cuts it.
  afterwards(() => opened.close());
  await within(DEADLINE_MS, "the server's settings", once(opened, "remoteSettings"));
  return opened;
}

function request(on: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = on.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
  stream.on("error", () => {});
  return stream;
}

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Make a whole call. @returns its gRPC status, or the code that ended it. */
async function call(on: ClientHttp2Session): Promise<string> {
  const stream = request(on, UNARY_PATH);
  let status: string | undefined;
  stream.on("trailers", (trailers) => {
    status = String(trailers["grpc-status"]);
  });
  stream.resume().end(framed(Buffer.from("?")));
  await closed(stream);
  return status ?? `code ${stream.rstCode}`;
}

/** A bare connection, whose end is seen though nothing is made of what comes. */
function knock(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port });
  afterwards(() => socket.destroy());
  return socket.on("error", () => {}).resume();
}

async function closed(one: Socket | ClientHttp2Session | ClientHttp2Stream): Promise<void> {
  if (one.destroyed) return;
  await within(DEADLINE_MS, "the end of it", new Promise((resolve) => one.once("close", resolve)));
}

/** Call by a client that connects when it has to. */
function grpcClient(where: string) {
  const client = new StubClient(where, credentials.createInsecure());
  afterwards(() => client.close());
  return {
    call: () =>
      new Promise<string>((resolve, reject) => {
        client["answer"]?.(Buffer.from("?"), (error: Error | null, answer?: Buffer) =>
          error ? reject(error) : resolve(String(answer)),
        );
      }),
    openStream: () =>
      new Promise<string>((resolve) => {
        const stream = client["last"]?.();
        stream.on("error", () => {});
        stream.on("status", ({ code }: { code: number }) => resolve(String(code)));
      }),
  };
}

describe("a connection", () => {
  it("that says nothing is closed, and one that speaks stays", async () => {
    const { port, where, reasons } = await start({ patience: { silentMs: 50 } });
    const speaking = await session(where);
    const silent = knock(port);
    const halfway = knock(port);
    halfway.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await Promise.all([closed(silent), closed(halfway)]);
    expect(reasons).toEqual(["silent", "silent"]);
    expect(await call(speaking)).toBe("0");
  });

  it("that does not say it by HTTP/2 is closed", async () => {
    const { port, reasons } = await start();
    const stranger = knock(port);
    stranger.write(`GET / HTTP/1.1\r\nhost: a\r\n\r\n${"x".repeat(100)}`);
    await closed(stranger);
    expect(reasons).toEqual(["invalid"]);
  });

  it("that floods with settings is closed", async () => {
    const { where, reasons } = await start({ patience: { lookMs: 60_000 } });
    const flooding = await session(where);
    for (let sent = 0; sent < 200 && !flooding.destroyed; sent++) {
      flooding.settings({ initialWindowSize: 65_535 + sent });
      await new Promise((resolve) => {
        flooding.once("localSettings", resolve);
        flooding.once("close", resolve);
      });
    }
    await closed(flooding);
    expect(reasons).toEqual(["settings"]);
  });

  it("that breaks off a flood of calls before their answers is closed", async () => {
    const { where, reasons } = await start({ patience: { lookMs: 60_000 } });
    const flooding = await session(where);
    for (let sent = 0; sent < 950 && !flooding.destroyed; sent++) {
      const stream = request(flooding, WAITING_PATH);
      stream.write(framed(Buffer.from("?")));
      await pinged(flooding);
      await reset(stream);
    }
    await closed(flooding);
    expect(reasons).toEqual(["resets"]);
  });

  it("that resets its streams once their answers are whole may, as Envoy does", async () => {
    const { where, reasons } = await start({ patience: { lookMs: 60_000 } });
    const busy = await session(where);
    // Fewer than nghttp2 bears.
    for (let sent = 0; sent < 950; sent++) {
      const stream = request(busy, HASTY_PATH);
      const answered = new Promise((resolve) => stream.once("end", resolve).once("close", resolve));
      stream.resume().write(framed(Buffer.from("?")));
      await answered;
      // Closing it would send its end too, and it would be no reset.
      stream.destroy(new Error("reset"));
      await pinged(busy);
    }
    expect(await call(busy)).toBe("0");
    expect(reasons).toEqual([]);
  });

  it("that floods with pings is closed", async () => {
    const { where, reasons } = await start({ patience: { lookMs: 60_000 } });
    const flooding = await session(where);
    for (let sent = 0; sent < 2_000 && !flooding.destroyed; sent++) await pinged(flooding);
    await closed(flooding);
    expect(reasons).toEqual(["pings"]);
  });

  it("that sends a ping for each call may, whatever their number", async () => {
    const { where, reasons } = await start({ patience: { lookMs: 60_000 } });
    const busy = await session(where);
    for (let sent = 0; sent < 1_500; sent++) {
      const [answer] = await Promise.all([call(busy), pinged(busy)]);
      expect(answer).toBe("0");
    }
    expect(reasons).toEqual([]);
  });
});

describe("a full listener", () => {
  it("takes no more, and those that it has go on", async () => {
    const { where, port, reasons, listener } = await start({ maxConnections: 2 });
    const [first, second] = [await session(where), await session(where)];
    await closed(knock(port));
    expect(reasons).toEqual(["too_many_connections"]);
    expect(listener.size).toBe(2);
    expect([await call(first), await call(second)]).toEqual(["0", "0"]);
  });

  it("takes another when one has gone", async () => {
    const { where, listener } = await start({ maxConnections: 1 });
    const first = await session(where);
    first.destroy();
    await expect.poll(() => listener.size).toBe(0);
    expect(await call(await session(where))).toBe("0");
  });

  it("asks those to go that are idle, whose clients notice nothing", async () => {
    const { where, reasons } = await start({ maxConnections: 1, patience: { idleMs: 0 } });
    const idle = grpcClient(where);
    expect(await idle.call()).toBe("yes");
    const next = await session(where);
    expect(reasons).toEqual(["idle"]);
    expect(await call(next)).toBe("0");
    next.close();
    await closed(next);
    expect(await idle.call()).toBe("yes");
  });

  it("asks nobody to go who has a call open", async () => {
    const { where, port, reasons } = await start({ maxConnections: 1, patience: { idleMs: 0 } });
    const busy = await session(where);
    const lasting = request(busy, LASTING_PATH);
    expect(await call(busy)).toBe("0");
    await closed(knock(port));
    expect(reasons).toEqual(["too_many_connections"]);
    expect(lasting.destroyed).toBe(false);
  });
});

describe("a call", () => {
  it("that is never sent to its end is ended, and others of its connection go on", async () => {
    const { where, reasons } = await start({ patience: { callMs: 50 } });
    const slow = await session(where);
    const half = request(slow, UNARY_PATH);
    half.write(Buffer.alloc(3));
    await closed(half);
    expect(half.rstCode).toBe(NGHTTP2_ENHANCE_YOUR_CALM);
    expect(reasons).toEqual(["half_sent"]);
    expect(await call(slow)).toBe("0");
  });

  it("that may last does, with nothing said", async () => {
    const { where, reasons } = await start({ patience: { callMs: 30, unreadMs: 30 } });
    const quiet = await session(where);
    const lasting = request(quiet, LASTING_PATH);
    const half = request(quiet, UNARY_PATH);
    await closed(half);
    expect(reasons).toEqual(["half_sent"]);
    expect(lasting.destroyed).toBe(false);
  });

  it("whose answers are not read is ended, and others of its connection go on", async () => {
    const { where, reasons } = await start({ patience: { unreadMs: 50 } });
    const slow = await session(where);
    const lasting = request(slow, LASTING_PATH);
    lasting.write(framed(Buffer.from("?")));
    lasting.pause();
    const ended = once(lasting, "aborted");
    await within(DEADLINE_MS, "the end of the stream", ended);
    expect(lasting.rstCode).toBe(NGHTTP2_ENHANCE_YOUR_CALM);
    expect(reasons).toEqual(["unread"]);
    expect(await call(slow)).toBe("0");
  });

  it("beyond those that a connection may have of its kind is refused with RESOURCE_EXHAUSTED", async () => {
    const { where, reasons } = await start();
    const client = grpcClient(where);
    const ends = Array.from({ length: 65 }, () => client.openStream());
    expect(await within(DEADLINE_MS, "a refusal", Promise.race(ends))).toBe("8");
    expect(reasons).toEqual(["too_many_streams"]);
    expect(await client.call()).toBe("yes");
  });

  it("too many ends a connection that lets one hang, rather than an honest one that has more", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    afterwards(() => void vi.useRealTimers());
    const { where, reasons } = await start({ maxCalls: 5 });
    const honest = await session(where);
    const greedy = await Promise.all(Array.from({ length: 3 }, () => session(where)));
    for (const one of greedy) request(one, UNARY_PATH).write(Buffer.alloc(3));
    await Promise.all(greedy.map(pinged));
    vi.advanceTimersByTime(20);
    const kept = Array.from({ length: 3 }, () => request(honest, LASTING_PATH));
    await Promise.race(greedy.map(closed));
    expect(reasons).toEqual(["too_many_calls"]);
    expect(kept.map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    expect(await call(honest)).toBe("0");
  });

  it("too many ends the connection that has the most", async () => {
    const { where, reasons } = await start({ maxCalls: 10 });
    const [honest, greedy] = [await session(where), await session(where)];
    const kept = request(honest, LASTING_PATH);
    for (let made = 0; made < 10; made++) request(greedy, LASTING_PATH);
    await closed(greedy);
    expect(reasons).toEqual(["too_many_calls"]);
    expect(kept.destroyed).toBe(false);
    expect(await call(honest)).toBe("0");
  });
});

async function reset(stream: ClientHttp2Stream): Promise<void> {
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  await closed(stream);
}

function pinged(on: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (on.destroyed || !on.ping(() => resolve())) resolve();
  });
}
