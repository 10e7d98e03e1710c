import { formatAddress } from "../transport/address.js";
import { type Given, type GivenAddress, given, type Reader } from "./given.js";

/** Files, PEM, for TLS on every listener on TCP. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who signs the certificates of those who connect; undefined: they need none. */
  readonly clientCaFile: string | undefined;
}

/** Files, PEM, for reaching a server that speaks TLS. */
export interface TlsTrust {
  /** Who signs the server's certificate. */
  readonly caFile: string;
  /** What this side shows; undefined: nothing. */
  readonly shown: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** The name that the server's certificate has, where it is not the one that it is called by. */
  readonly serverName: string | undefined;
}

/** Read `--tls-cert`, `--tls-key` and `--tls-client-ca`. @param addresses all that callers and Envoy connect to. */
export function tlsGiven(reader: Reader, addresses: readonly GivenAddress[]): TlsSettings | undefined {
  const cert = fileGiven(reader, "tls-cert");
  const key = fileGiven(reader, "tls-key");
  const clientCa = fileGiven(reader, "tls-client-ca");
  const [first] = [cert, key, clientCa].filter((one) => one !== undefined);
  if (!first) return undefined;
  if (!addresses.some(({ address }) => address.kind === "tcp")) {
    const what = "no listener is on TCP, and Unix sockets speak no TLS";
    reader.faults.push({ where: first.where, what, remedy: "leave it out, or give --listen IP:PORT" });
    return undefined;
  }
  if (cert && key) return Object.freeze({ certFile: cert.text, keyFile: key.text, clientCaFile: clientCa?.text });
  const missing = [...(cert ? [] : ["--tls-cert"]), ...(key ? [] : ["--tls-key"])].join(" and ");
  reader.faults.push({ where: first.where, what: `is of no use without ${missing}`, remedy: `give ${missing} too` });
  return undefined;
}

/**
 * Read `--tls-ca`, `--tls-cert`, `--tls-key` and `--tls-server-name` of the commands that ask a server.
 *
 * Variables for the certificate and its key may be there for `serve`, in a container that does both: without an
 * authority they are left alone, where flags are a fault.
 */
export function trustGiven(reader: Reader, server: GivenAddress): TlsTrust | undefined {
  const ca = fileGiven(reader, "tls-ca");
  const cert = fileGiven(reader, "tls-cert");
  const key = fileGiven(reader, "tls-key");
  const name = fileGiven(reader, "tls-server-name");
  if (!ca) {
    const idle = [cert, key, name].find((one) => one?.where.startsWith("--"));
    if (idle) reader.faults.push({ where: idle.where, what: "is of no use without --tls-ca", remedy: GIVE_CA });
    return undefined;
  }
  if (server.address.kind === "unix") {
    if (ca.where.startsWith("--")) {
      const what = `${formatAddress(server.address)} speaks no TLS`;
      reader.faults.push({ where: ca.where, what, remedy: "leave it out for a Unix socket" });
    }
    return undefined;
  }
  if ((cert === undefined) !== (key === undefined)) {
    const [there, missing] = cert ? [cert, "--tls-key"] : [key, "--tls-cert"];
    const where = there?.where ?? "";
    reader.faults.push({ where, what: `is of no use without ${missing}`, remedy: `give ${missing} too` });
  }
  return Object.freeze({
    caFile: ca.text,
    shown: cert && key && Object.freeze({ certFile: cert.text, keyFile: key.text }),
    serverName: name?.text,
  });
}

const GIVE_CA = "give --tls-ca FILE, who signs the server's certificate";

/** An empty flag is a slip, such as a shell variable that is not set: it must not mean that TLS is left out. */
export function fileGiven(reader: Reader, name: string): Given | undefined {
  const last = given(reader, name).at(-1);
  if (last?.text !== "") return last;
  reader.faults.push({ where: last.where, what: "empty", remedy: "name a file, or leave it out" });
  return undefined;
}
