import type { Http2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Millis } from "../domain/units.js";

/** A PING frame, whole. */
const PING_BYTES = 17;

export interface PeerOptions {
  readonly session: Http2Session;
  readonly socket: Socket;
  readonly now: Millis;
  /** Told of each of its calls that is over. */
  readonly end: (peer: Peer, stream: ServerHttp2Stream) => void;
}

/** One connection that speaks HTTP/2, and what it has asked for. Times are those of `performance.now()`. */
export class Peer {
  readonly session: Http2Session;
  readonly socket: Socket;
  /** A listener for all of its calls: one for each would cost every call something. */
  readonly onCallClosed: (this: ServerHttp2Stream) => void;
  /** When its last call began, or the connection itself. */
  usedAt: Millis;
  /** Its open calls, each with its begin. */
  readonly calls = new Map<ServerHttp2Stream, Millis>();
  /** Those of them that may last, each with its path. */
  readonly lasting = new Map<ServerHttp2Stream, string>();
  /** Those whose answers wait for their reader, each with since when. */
  readonly unread = new Map<ServerHttp2Stream, Millis>();
  isCut = false;
  /** Since the last look. */
  settings = 0;
  /** Calls that were broken off before their answer. */
  resets = 0;
  #pings = 0;
  #bytesBefore = 0;

  constructor({ session, socket, now, end }: PeerOptions) {
    this.session = session;
    this.socket = socket;
    this.usedAt = now;
    const peer = this;
    this.onCallClosed = function (this: ServerHttp2Stream) {
      end(peer, this);
    };
  }

  /** How many calls to one path are open. */
  lastingAt(path: string): number {
    let count = 0;
    for (const one of this.lasting.values()) if (one === path) count += 1;
    return count;
  }

  /** @returns whether the call was still counted. */
  forget(stream: ServerHttp2Stream): boolean {
    if (this.lasting.delete(stream)) this.unread.delete(stream);
    return this.calls.delete(stream);
  }

  /**
   * Count a ping.
   *
   * Clients of gRPC in Go and C send one for much of what they receive, to find out how fast the connection is. Theirs
   * are few beside the questions that they ask; those of a flood are all that it sends.
   *
   * @returns whether it is one of a flood: one of more than `most`, which are more than half of all that was sent.
   */
  ping(most: number): boolean {
    this.#pings += 1;
    if (this.#pings <= most) return false;
    return this.#pings * PING_BYTES * 2 > this.socket.bytesRead - this.#bytesBefore;
  }

  /** Begin to count anew. */
  look(): void {
    this.settings = 0;
    this.resets = 0;
    this.#pings = 0;
    this.#bytesBefore = this.socket.bytesRead;
  }
}
