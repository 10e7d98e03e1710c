import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Millis } from "../domain/units.js";
import { type Bounds, type CutReason, LASTING } from "./bounds.js";
import { Peer } from "./session-peer.js";

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

/** When somebody is too slow. What calls and answers may take is exact to `lookMs`. */
export interface Patience {
  /** How often what lasts is looked at, and what is counted begins anew. */
  readonly lookMs: Millis;
  /** How long a connection may take to say that it speaks HTTP/2. */
  readonly silentMs: Millis;
  /** How long a call may last that is none of `LASTING`. Ours take milliseconds. */
  readonly callMs: Millis;
  /** How long answers may wait for their reader. */
  readonly unreadMs: Millis;
  /** Who has made no call for so long is asked to go where there is no room for others. */
  readonly idleMs: Millis;
}

const PATIENCE: Patience = { lookMs: 5_000, silentMs: 10_000, callMs: 60_000, unreadMs: 60_000, idleMs: 60_000 };

/** Of one connection between two looks. An honest one sends a few settings in its life. */
const MOST_PINGS = 1_000;
const MOST_SETTINGS = 100;
/** Just below the thousand at which nghttp2 would say GOAWAY, tell nobody, and leave the connection open. */
const MOST_RESETS = 900;
/** To find who is idle all connections are looked at, so this many are asked to go at once, and seldom. */
const MOST_ASKED_TO_GO = 100;
const ROOM_MS = 1_000;
/** How long a client may take to close a connection that is over. */
const LINGER_MS = 1_000;

/**
 * Watches the HTTP/2 connections of one server, and cuts off who takes more than its share.
 *
 * Neither grpc-js nor node:http2 has a bound for calls that never end, for answers that nobody reads, or for all
 * connections together. A call costs an entry here while it is open; all else is done every few seconds.
 */
export class SessionGuard {
  readonly #bounds: Bounds;
  readonly #patience: Patience;
  readonly #peers = new Map<Http2Session, Peer>();
  readonly #bySocket = new WeakMap<Socket, Peer>();
  #calls = 0;
  #entering: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What calls take for the time of their begin: to look at a clock would cost each of them something. */
  #lookedAt: Millis = 0;
  #roomSoughtAt = Number.NEGATIVE_INFINITY;
  /** Calls that were not whole at the last look, each with its connection; an honest one is half sent for a moment. */
  #halfSent: (readonly [Peer, ServerHttp2Stream])[] = [];

  constructor(server: Http2Server, bounds: Bounds, patience: Partial<Patience> = {}) {
    this.#bounds = bounds;
    this.#patience = { ...PATIENCE, ...patience };
    server.on("session", (session) => this.#watch(session));
    server.on("sessionError", (error: Error) => {
      // The rest are connections that broke, which is nobody's fault.
      if ("code" in error && String(error.code).startsWith("ERR_HTTP2")) bounds.cut("invalid", error.message);
    });
  }

  /** Let a connection become a session. @param inject hands it to the server, which makes its session at once. */
  enter(socket: Socket, inject: (socket: Socket) => void): void {
    this.#entering = socket;
    inject(socket);
    this.#entering = undefined;
  }

  /**
   * Ask those connections to go that have been idle the longest. Their clients hear it by GOAWAY, and connect again with
   * their next call.
   *
   * @returns whether there were any.
   */
  makeRoom(sockets: Iterable<Socket | undefined>): boolean {
    const now = performance.now();
    if (now - this.#roomSoughtAt < ROOM_MS) return false;
    this.#roomSoughtAt = now;
    const idle: Peer[] = [];
    for (const socket of sockets) {
      const peer = socket && this.#bySocket.get(socket);
      if (peer && peer.calls.size === 0 && now - peer.usedAt >= this.#patience.idleMs) idle.push(peer);
    }
    idle.sort((left, right) => left.usedAt - right.usedAt);
    for (const { session } of idle.slice(0, MOST_ASKED_TO_GO)) {
      this.#bounds.cut("idle", "a listener was full, and connections that nobody used were asked to go");
      session.close();
    }
    return idle.length > 0;
  }

  #watch(session: Http2Session): void {
    const socket = this.#entering;
    if (!socket) return;
    const end = (peer: Peer, stream: ServerHttp2Stream) => this.#end(peer, stream);
    const peer = new Peer({ session, socket, now: performance.now(), end });
    this.#peers.set(session, peer);
    this.#bySocket.set(socket, peer);
    if (!this.#timer) {
      this.#lookedAt = performance.now();
      this.#timer = setInterval(() => this.#look(), this.#patience.lookMs).unref();
    }
    const { silentMs } = this.#patience;
    const silence = setTimeout(() => {
      this.#cut(peer, "silent", `a connection had not begun HTTP/2 within ${silentMs} ms`);
    }, silentMs).unref();
    // Before grpc-js hears of it, so that its handlers find closed what is refused here.
    session.prependListener("stream", (stream: ServerHttp2Stream, headers: { ":path"?: string }) =>
      this.#begin(peer, stream, headers[":path"]),
    );
    // Told when the client has answered ours: then it speaks, and it reads.
    session.once("localSettings", () => clearTimeout(silence));
    session.on("remoteSettings", () => {
      peer.settings += 1;
      if (peer.settings > MOST_SETTINGS) this.#cut(peer, "settings", "a connection sent a flood of SETTINGS");
    });
    session.on("ping", () => {
      if (peer.ping(MOST_PINGS)) this.#cut(peer, "pings", "a connection sent a flood of pings");
    });
    session.once("close", () => {
      clearTimeout(silence);
      this.#drop(peer);
    });
  }

  /** A session is over. Its socket waits for the client to close it too, who may have a mind not to. */
  #drop(peer: Peer): void {
    this.#peers.delete(peer.session);
    // Each is told to be over before, but for those of which node:http2 has lost the end.
    this.#forgetCalls(peer);
    if (!peer.socket.destroyed) {
      const linger = setTimeout(() => peer.socket.destroy(), LINGER_MS).unref();
      peer.socket.once("close", () => clearTimeout(linger));
    }
    if (this.#peers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#halfSent = [];
  }

  #begin(peer: Peer, stream: ServerHttp2Stream, path: string | undefined): void {
    if (peer.isCut) return;
    // Broken off in the same breath, so that its end was told before its begin.
    if (stream.destroyed) {
      this.#countReset(peer);
      return;
    }
    peer.usedAt = this.#lookedAt;
    peer.calls.set(stream, peer.usedAt);
    this.#calls += 1;
    stream.on("close", peer.onCallClosed);
    const most = LASTING.get(path);
    if (path !== undefined && most !== undefined) {
      if (peer.lastingAt(path) >= most) {
        this.#endCall(peer, stream, "too_many_streams", `a connection opened more than ${most} streams of ${path}`);
      } else {
        peer.lasting.set(stream, path);
      }
    }
    if (this.#calls > this.#bounds.maxCalls) this.#makeCallsEnd();
  }

  #end(peer: Peer, stream: ServerHttp2Stream): void {
    if (!peer.forget(stream)) return;
    this.#calls -= 1;
    // Envoy 1.40 resets each stream of ext_proc, but only after its answer: what was answered was not broken off.
    if (stream.aborted && stream.rstCode !== NGHTTP2_NO_ERROR) this.#countReset(peer);
  }

  #forgetCalls(peer: Peer): void {
    this.#calls -= peer.calls.size;
    peer.calls.clear();
  }

  #countReset(peer: Peer): void {
    peer.resets += 1;
    if (peer.resets > MOST_RESETS) this.#cut(peer, "resets", "a connection broke off a flood of calls");
  }

  /** Whoever lets a call hang goes, or else who has the most open, because others have to find room. */
  #makeCallsEnd(): void {
    const peer = this.#anyHanging() ?? this.#busiest();
    const what = `more than ${this.#bounds.maxCalls} calls were open, ${peer?.calls.size ?? 0} of them of one connection`;
    if (peer) this.#cut(peer, "too_many_calls", what);
  }

  /** Many connections can fill the room with a half-sent call each; then an honest one may well be the busiest. */
  #anyHanging(): Peer | undefined {
    for (let next = this.#halfSent.pop(); next; next = this.#halfSent.pop()) {
      const [peer, stream] = next;
      if (peer.calls.has(stream) && !stream.readableEnded) return peer;
    }
    return undefined;
  }

  #busiest(): Peer | undefined {
    let most: Peer | undefined;
    for (const peer of this.#peers.values()) {
      if (!peer.isCut && peer.calls.size > (most?.calls.size ?? 0)) most = peer;
    }
    return most;
  }

  #look(): void {
    const now = performance.now();
    this.#lookedAt = now;
    this.#halfSent = [];
    for (const peer of this.#peers.values()) {
      peer.look();
      for (const [stream, begunAt] of peer.calls) {
        if (peer.lasting.has(stream)) this.#lookAtAnswers(peer, stream, now);
        else if (now - begunAt >= this.#patience.callMs) this.#endCall(peer, stream, ...slowness(stream));
        else if (!stream.readableEnded) this.#halfSent.push([peer, stream]);
      }
    }
  }

  #lookAtAnswers(peer: Peer, stream: ServerHttp2Stream, now: Millis): void {
    if (!stream.writableNeedDrain) return;
    const since = peer.unread.get(stream);
    if (since === undefined) {
      peer.unread.set(stream, now);
      stream.once("drain", () => peer.unread.delete(stream));
    } else if (now - since >= this.#patience.unreadMs) {
      this.#endCall(peer, stream, "unread", `answers of a stream were not read for ${this.#patience.unreadMs} ms`);
    }
  }

  /** Clients of gRPC are told RESOURCE_EXHAUSTED. */
  #endCall(peer: Peer, stream: ServerHttp2Stream, reason: CutReason, what: string): void {
    if (peer.forget(stream)) this.#calls -= 1;
    this.#bounds.cut(reason, what);
    stream.close(NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #cut(peer: Peer, reason: CutReason, what: string): void {
    if (peer.isCut) return;
    peer.isCut = true;
    this.#forgetCalls(peer);
    this.#bounds.cut(reason, what);
    if (!peer.session.destroyed) peer.session.goaway(NGHTTP2_ENHANCE_YOUR_CALM);
    peer.session.destroy();
    peer.socket.destroy();
  }
}

function slowness(stream: ServerHttp2Stream): readonly [CutReason, string] {
  return stream.readableEnded
    ? ["unread", "an answer was not read for as long as a call may last"]
    : ["half_sent", "a call was not sent to its end for as long as it may last"];
}
