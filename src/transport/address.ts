import { BlockList, isIPv4, isIPv6 } from "node:net";
import { printable } from "../domain/printable.js";

/** Where a listener binds. */
export type Address = TcpAddress | UnixAddress;

export interface TcpAddress {
  readonly kind: "tcp";
  /** An IP address without brackets, or `localhost`, which is 127.0.0.1 and ::1 whatever the hosts file says. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface UnixAddress {
  readonly kind: "unix";
  /** Relative ones start at the working directory. */
  readonly path: string;
}

/** Who may connect to a Unix socket. */
export interface SocketAccess {
  /** Permission bits, 0o660. */
  readonly mode: number;
  /** The user that the socket is given to; undefined: that of this process. */
  readonly uid?: number | undefined;
  /** The group that the socket is given to; undefined: the one that files of this process have there. */
  readonly gid?: number | undefined;
}

/** Why an address cannot be listened on. */
export interface AddressFault {
  readonly kind: "fault";
  readonly what: string;
  /** The address, as a person writes it. */
  readonly where: string;
  readonly remedy: string;
}

/**
 * Read one address to listen on: `127.0.0.1:50051`, `[::1]:50051`, `localhost:50051`, `unix:/run/windbreak.sock`.
 *
 * Host names other than `localhost` are refused: what they resolve to at start is not what a person meant by them for
 * good, and whether a listener can be reached from outside must show in its address.
 */
export function parseAddress(text: string): Address | AddressFault {
  if (text.startsWith("unix:")) return parseUnix(text);
  const split = /^(?:\[(?<bracketed>[^\]]*)\]|(?<bare>[^:]*)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const host = split?.["bracketed"] ?? split?.["bare"];
  if (!split || host === undefined) return unreadable(text);
  const port = Number(split["port"]);
  if (port > 65_535)
    return fault(text, "the port is above 65535", "give a port from 0 to 65535; 0 is any that is free");
  if (split["bracketed"] === undefined ? !isIPv4(host) && host !== "localhost" : !isIPv6(host)) {
    return fault(
      text,
      `${host === "" ? "no host" : `"${host}"`} is no address to bind`,
      "give an IP address, [IPv6] in brackets, or localhost; 0.0.0.0 is every IPv4 address of this machine",
    );
  }
  return { kind: "tcp", host, port };
}

/** Write an address as `parseAddress` reads it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Say in one line where the fault is, what it is, and what mends it: a path may hold what a terminal acts on. */
export function formatFault({ where, what, remedy }: AddressFault): string {
  return printable(`${where}: ${what}; ${remedy}`);
}

/** Say whether only processes of this machine can reach an address: a Unix socket, 127.0.0.0/8, ::1, localhost. */
export function isLocal(address: Address): boolean {
  if (address.kind === "unix" || address.host === "localhost") return true;
  return LOOPBACK.check(address.host, isIPv4(address.host) ? "ipv4" : "ipv6");
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** What `sockaddr_un` holds before its final NUL. Node cuts a longer path short without a word and binds another file. */
const MAX_PATH_BYTES = process.platform === "darwin" ? 103 : 107;

function parseUnix(text: string): UnixAddress | AddressFault {
  const rest = text.slice("unix:".length);
  // gRPC clients also write unix:///path; what would stand between the second and third slash is a host.
  const path = rest.startsWith("///") ? rest.slice(2) : rest;
  if (path === "" || path.startsWith("//") || path.includes("\0")) {
    return fault(text, "no path of a Unix socket", "write unix:/run/windbreak.sock");
  }
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    return fault(text, `the path is longer than ${MAX_PATH_BYTES} bytes`, "choose a shorter path");
  }
  return { kind: "unix", path };
}

function unreadable(text: string): AddressFault {
  if (isIPv6(text) || isIPv6(text.replace(/:\d+$/, ""))) {
    return fault(text, "an IPv6 address without brackets", "write [::1]:50051");
  }
  return fault(text, "no address to listen on", "write 127.0.0.1:50051, [::1]:50051 or unix:/run/windbreak.sock");
}

function fault(where: string, what: string, remedy: string): AddressFault {
  return { kind: "fault", what, where, remedy };
}
