import { EventEmitter } from "node:events";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Server, ServerCredentials, type ServerOptions } from "@grpc/grpc-js";
import type { Address } from "./address.js";
import { type Bounds, MOST_CALLS_OF_CONNECTION } from "./bounds.js";
import type { Accept } from "./connections.js";
import type { Health } from "./health.js";
import { type BindOptions, type Bound, bind, type Listener } from "./listeners.js";
import { type Patience, SessionGuard } from "./session-guard.js";

/** The largest message that callers may send, compressed or not. */
export const MAX_RECEIVE_BYTES = 64 * 1024;

/** Make a gRPC server that serves nothing yet. */
export function createServer({ maxReceiveBytes = MAX_RECEIVE_BYTES } = {}): Server {
  return new Server({ ...OPTIONS, "grpc.max_receive_message_length": maxReceiveBytes });
}

const OPTIONS: ServerOptions = {
  // Bookkeeping for a service that is not served, paid for in every call.
  "grpc.enable_channelz": 0,
  // A peer that vanished without a word is found out within 80 s, and its connection given back. Who is idle and answers
  // stays: a GOAWAY for being idle would only make honest clients connect again.
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 20_000,
  "grpc.max_concurrent_streams": MOST_CALLS_OF_CONNECTION,
};

interface ListenOptions extends Omit<BindOptions, "ceiling"> {
  readonly addresses: readonly Address[];
  /** What peers may take; without bounds of this kind when left out. */
  readonly bounds?: Bounds | undefined;
  readonly patience?: Partial<Patience>;
  /** How many streams a connection may reset at once, and each second after that; nghttp2's when left out. */
  readonly mostResets?: number;
}

/**
 * Listen on all of the addresses or on none.
 *
 * The sockets are ours rather than bound by `Server.bindAsync`, which says in prose why it failed, binds a part of what a
 * name means, leaves the mode of a Unix socket to the umask, and without channelz cannot cut its connections.
 */
export async function listen(
  server: Server,
  { addresses, bounds, patience, mostResets, ...options }: ListenOptions,
): Promise<Bound> {
  if (mostResets !== undefined) raiseResets(server, mostResets);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const guard = bounds && new SessionGuard(newestHttp2Server(server), bounds, patience);
  const inject = (socket: Socket) => injector.injectConnection(socket);
  const ceiling = bounds && {
    most: bounds.maxConnections,
    makeRoom: (sockets: Iterable<Socket | undefined>) => guard?.makeRoom(sockets) ?? false,
    cut: bounds.cut,
  };
  const accept: Accept = guard ? (socket) => guard.enter(socket, inject) : inject;
  const bound = await bind(addresses, accept, { ...options, ceiling });
  if (bound.kind === "refused") injector.destroy();
  return bound;
}

/**
 * Raise nghttp2's bound for resets on the HTTP/2 servers that grpc-js makes from now on: it has no option of its own.
 * Node 20 passes over it without a word.
 *
 * @throws Error where grpc-js keeps its options elsewhere, which another version may.
 */
function raiseResets(server: Server, most: number): void {
  const options: unknown = Reflect.get(server, "commonServerOptions");
  if (typeof options !== "object" || options === null) {
    throw new Error("this version of grpc-js keeps its options of HTTP/2 elsewhere");
  }
  Object.assign(options, { streamResetBurst: most, streamResetRate: most });
}

/**
 * Find the HTTP/2 server that grpc-js made for an injector: it has no options for most of what must be bounded.
 *
 * @throws Error where grpc-js keeps it elsewhere, which another version may.
 */
function newestHttp2Server(server: Server): Http2Server {
  const made: unknown = Reflect.get(server, "http2Servers");
  const newest: unknown = made instanceof Map ? [...made.keys()].at(-1) : undefined;
  if (isHttp2Server(newest)) return newest;
  throw new Error("this version of grpc-js keeps its HTTP/2 servers elsewhere");
}

function isHttp2Server(value: unknown): value is Http2Server {
  return value instanceof EventEmitter && "updateSettings" in value;
}

/** All that must end before the process may. */
export interface Running {
  readonly servers: readonly Server[];
  readonly listeners: readonly Listener[];
  readonly healths: readonly Health[];
  /** Aborted on the way: the sign for handlers that hold streams open. */
  readonly draining: AbortController;
}

export interface ShutdownTiming {
  /** How long calls may take to finish before their connections are cut. */
  readonly graceMs: number;
  /** How long calls are still taken after health says NOT_SERVING, for balancers to notice. 0 when left out. */
  readonly drainDelayMs?: number;
}

/**
 * Stop taking calls, let those in flight finish, and close everything.
 *
 * @returns whether all finished by themselves (`drained`), or some were cut off after `graceMs`.
 */
export async function shutdown(
  running: Running,
  { graceMs, drainDelayMs = 0 }: ShutdownTiming,
): Promise<"drained" | "cut"> {
  const { servers, listeners, healths, draining } = running;
  for (const health of healths) health.drain();
  if (drainDelayMs > 0) await wait(drainDelayMs);
  draining.abort();

  let outcome: "drained" | "cut" = "drained";
  const timer = setTimeout(() => {
    outcome = "cut";
    for (const listener of listeners) listener.cut();
  }, graceMs);
  // What it calls back is not waited for: a session whose first bytes were no HTTP/2 can lose its end, and with it the
  // whole shutdown. Connections end with their last calls, and they are counted here.
  for (const server of servers) server.tryShutdown(() => {});
  for (const listener of listeners) listener.cutSilent();
  await Promise.all(listeners.map((listener) => listener.close()));
  for (const server of servers) server.forceShutdown();
  clearTimeout(timer);
  return outcome;
}
