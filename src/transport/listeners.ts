import { createServer, type Server } from "node:net";
import {
  type Address,
  type AddressFault,
  formatAddress,
  type SocketAccess,
  type TcpAddress,
  type UnixAddress,
} from "./address.js";
import { type Accept, type Ceiling, Connections, type Gate } from "./connections.js";
import { errnoOf, inspect, listenAtPath, NotGiven, removeStale, type Site } from "./unix-socket.js";

export interface BindOptions {
  /** Connections on TCP are accepted as they come when left out. */
  readonly gate?: Gate | undefined;
  /** Of Unix sockets: their user and group alone when left out. */
  readonly access?: SocketAccess | undefined;
  /** Of each address; there is none when left out. */
  readonly ceiling?: Ceiling | undefined;
}

export type Bound =
  | { readonly kind: "bound"; readonly listeners: readonly Listener[] }
  /** Nothing listens. One fault for every address that failed. */
  | { readonly kind: "refused"; readonly faults: readonly AddressFault[] };

/** One bound address and the connections that came through it. */
export class Listener {
  readonly kind = "listener";
  /** As bound: a port of 0 has become the one that was free. */
  readonly address: Address;
  readonly #servers: readonly Server[];
  readonly #connections: Connections;

  constructor(address: Address, servers: readonly Server[], connections: Connections) {
    this.address = address;
    this.#servers = servers;
    this.#connections = connections;
  }

  /** How many connections there are, those at the gate among them. */
  get size(): number {
    return this.#connections.all.size;
  }

  get accepting(): boolean {
    return this.#servers.every((server) => server.listening);
  }

  /**
   * Stop accepting, at once, cut who is not accepted yet, and remove the socket file. Resolves when the last connection
   * is gone.
   */
  async close(): Promise<void> {
    for (const [socket, accepted] of this.#connections.all) if (!accepted) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Cut those that have said nothing yet: with no call begun, an HTTP/2 session waits for its client's first word. */
  cutSilent(): void {
    for (const [socket, accepted] of this.#connections.all) if (accepted?.bytesRead === 0) socket.destroy();
  }

  /** Cut every connection. */
  cut(): void {
    for (const socket of this.#connections.all.keys()) socket.destroy();
  }
}

/**
 * Listen on all of the addresses or on none.
 *
 * What must be waited for (whether a socket file is stale) comes first; then all are bound within one turn of the event
 * loop, so that no connection is accepted before it is known that every address could be bound.
 */
export async function bind(addresses: readonly Address[], accept: Accept, options: BindOptions = {}): Promise<Bound> {
  const sites = await Promise.all(addresses.map(siteOf));
  const results = await Promise.all(sites.map((site) => (site.kind === "fault" ? site : open(site, accept, options))));

  const faults = results.filter((result) => result.kind === "fault");
  const listeners = results.filter((result) => result.kind === "listener");
  if (faults.length === 0) return { kind: "bound", listeners };

  await Promise.all(listeners.map((listener) => listener.close()));
  return { kind: "refused", faults };
}

type Prepared =
  | { readonly kind: "tcp"; readonly address: TcpAddress }
  | { readonly kind: "unix"; readonly address: UnixAddress; readonly site: Exclude<Site, { kind: "taken" }> };

async function siteOf(address: Address): Promise<Prepared | AddressFault> {
  if (address.kind === "tcp") return { kind: "tcp", address };
  const site = await inspect(address.path);
  if (site.kind !== "taken") return { kind: "unix", address, site };
  return { kind: "fault", what: site.what, where: formatAddress(address), remedy: site.remedy };
}

async function open(
  prepared: Prepared,
  accept: Accept,
  { gate, access, ceiling }: BindOptions,
): Promise<Listener | AddressFault> {
  const connections = new Connections(ceiling);
  const lost = (error: Error) => connections.lost(error);
  try {
    if (prepared.kind === "unix") {
      const take: Accept = (socket) => connections.take(socket, accept, undefined);
      return new Listener(prepared.address, [await openUnix(prepared, take, access, lost)], connections);
    }
    const { host, port } = prepared.address;
    const opening = (ip: string, at: number) =>
      opened(
        plainServer((socket) => connections.take(socket, accept, gate)),
        (server) => server.listen({ host: ip, port: at }),
        lost,
      );
    const servers = host === "localhost" ? await openLoopback(port, opening) : [await opening(host, port)];
    return new Listener({ kind: "tcp", host, port: portOf(servers) }, servers, connections);
  } catch (error) {
    const where = formatAddress(prepared.address);
    if (error instanceof NotGiven) return { kind: "fault", where, ...NOT_GIVEN[error.to] };
    const code = errnoOf(error);
    if (code === undefined) throw error;
    return { kind: "fault", where, ...explain(code, prepared.kind) };
  }
}

const NOT_GIVEN = {
  group: {
    what: "this process may not give the socket to the group",
    remedy: "name a group of this process by --socket-group",
  },
  user: {
    what: "this process may not give the socket to another user",
    remedy: "run it as that user and leave --socket-owner out, or grant it CAP_CHOWN",
  },
};

async function openUnix(
  { address, site }: Extract<Prepared, { kind: "unix" }>,
  accept: Accept,
  access: SocketAccess | undefined,
  lost: (error: Error) => void,
): Promise<Server> {
  const server = plainServer(accept);
  const listen = () => {
    if (site.kind === "stale") removeStale(address.path, site.file);
    listenAtPath(server, address.path, access);
  };
  try {
    return await opened(server, listen, lost);
  } catch (error) {
    if (server.listening) server.close();
    throw error;
  }
}

/** Both loopback addresses on one port, because clients try either first. A machine without IPv6 has the first alone. */
async function openLoopback(
  port: number,
  opening: (ip: string, port: number) => Promise<Server>,
): Promise<readonly Server[]> {
  const first = await opening("127.0.0.1", port);
  try {
    return [first, await opening("::1", portOf([first]))];
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return [first];
    first.close();
    throw error;
  }
}

function plainServer(accept: Accept): Server {
  return createServer({ noDelay: true }, accept);
}

/**
 * Resolves once the server listens; rejects with the system's error.
 *
 * @param lost told of each error after that: one connection that could not be accepted.
 */
function opened(server: Server, listen: (server: Server) => void, lost: (error: Error) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      server.on("error", lost);
      resolve(server);
    });
    listen(server);
  });
}

function portOf(servers: readonly Server[]): number {
  const address = servers[0]?.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function explain(code: string, kind: Address["kind"]): Pick<AddressFault, "what" | "remedy"> {
  switch (code) {
    case "EADDRINUSE":
      return { what: "already in use", remedy: "stop the process that listens there, or choose another address" };
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return { what: "no address of this machine", remedy: "choose one that it has, such as 127.0.0.1" };
    case "EACCES":
    case "EPERM":
      return {
        what: "this process may not bind it",
        remedy:
          kind === "tcp"
            ? "choose a port above 1023, or grant the process CAP_NET_BIND_SERVICE"
            : "let the user of this process write to the directory, or choose another path",
      };
    default:
      return { what: `it cannot be bound (${code})`, remedy: "choose another address" };
  }
}
