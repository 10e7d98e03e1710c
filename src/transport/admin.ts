import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Millis } from "../domain/units.js";
import type { Address, AddressFault } from "./address.js";
import { hostsServed, refuseRequest, refuseStranger, type TokenCheck } from "./admin-guard.js";
import { type Answer, answer, type Paged, type Routing, refused } from "./admin-routes.js";
import type { Cut } from "./bounds.js";
import { bind, type Listener } from "./listeners.js";
import { readPageFiles } from "./page-files.js";
import { type Stranger, UNIX_SOCKET } from "./stranger.js";

export interface AdminOptions extends Routing {
  readonly address: Address;
  /** What operators must show; they need nothing when left out. */
  readonly token?: TokenCheck | undefined;
  /** Told of each request that did not show the token; left out where nobody counts them. */
  readonly turnedAway?: (stranger: Stranger) => void;
  /** Told of what went wrong inside; the client is told "internal error". */
  readonly report: (fault: unknown) => void;
  /** Told of each connection that there was no room for. */
  readonly cut?: Cut;
  /** How long a connection may last, from its start to the end of its one answer. */
  readonly connectionTimeoutMs?: Millis;
}

export type AdminStart =
  | { readonly kind: "listening"; readonly admin: AdminServer }
  | { readonly kind: "refused"; readonly faults: readonly AddressFault[] };

const CONNECTION_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 16 * 1024;

const HEADERS = {
  // One connection, one answer: then a deadline for the connection bounds every way of being slow.
  connection: "close",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
};

/** The admin port, listening. */
export class AdminServer {
  /** As bound: a port of 0 has become the one that was free. */
  readonly address: Address;
  readonly #listeners: readonly Listener[];

  constructor(address: Address, listeners: readonly Listener[]) {
    this.address = address;
    this.#listeners = listeners;
  }

  /** Take no more connections, let answers in progress end, and cut those that have not after `graceMs`. */
  async close(graceMs: Millis): Promise<void> {
    const timer = setTimeout(() => {
      for (const listener of this.#listeners) listener.cut();
    }, graceMs);
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    clearTimeout(timer);
  }
}

/** Open the admin port. */
export async function startAdmin(options: AdminOptions): Promise<AdminStart> {
  const hosts = hostsServed(options.address);
  const paged = { ...options, page: readPageFiles() };
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, async (request, response) => {
    send(response, await answerSafely(paged, hosts, request));
  });
  const accept = accepting(server, options.connectionTimeoutMs ?? CONNECTION_TIMEOUT_MS);
  const ceiling = { most: MAX_CONNECTIONS, cut: options.cut ?? (() => {}) };
  const bound = await bind([options.address], accept, { ceiling });
  if (bound.kind === "refused") return bound;
  const address = bound.listeners[0]?.address ?? options.address;
  return { kind: "listening", admin: new AdminServer(address, bound.listeners) };
}

/** Hand connections to an HTTP server, none for longer than it may last. */
function accepting(server: Server, timeoutMs: Millis): (socket: Socket) => void {
  return (socket) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.once("close", () => clearTimeout(timer));
    server.emit("connection", socket);
  };
}

async function answerSafely(
  options: AdminOptions & Paged,
  hosts: ReadonlySet<string> | undefined,
  request: IncomingMessage,
): Promise<Answer> {
  const refusal = refuseRequest(request, hosts);
  if (refusal) return refused(refusal);
  const stranger = refuseStranger(request, options.token);
  if (stranger) {
    options.turnedAway?.({ why: stranger.why, told: stranger.error, peer: peerAddress(request) });
    return { ...refused(stranger), headers: { "www-authenticate": "Bearer" } };
  }
  try {
    return await answer(options, request);
  } catch (cause) {
    options.report(new Error("the admin port could not answer a request", { cause }));
    return refused({ status: 500, error: "internal error" });
  }
}

function peerAddress({ socket: { remoteAddress, remotePort } }: IncomingMessage): string {
  return remoteAddress === undefined ? UNIX_SOCKET : `${remoteAddress}:${remotePort}`;
}

function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  const contentLength = Buffer.byteLength(body);
  response.writeHead(status, { "content-type": type, "content-length": contentLength, ...HEADERS, ...headers });
  response.end(body);
}
