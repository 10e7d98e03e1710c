import type { Address } from "../transport/address.js";
import { formatAddress } from "../transport/address.js";
import { addressesGiven, type GivenAddress, given, type Reader } from "./given.js";

/** Where Envoy asks, and how it proves that it is Envoy. */
export interface EnvoySettings {
  /** At least one, none twice. */
  readonly listen: readonly Address[];
  /** What listeners on TCP need; undefined where all are Unix sockets. */
  readonly mutualTls: MutualTls | undefined;
}

/** Files for TLS in which both sides show a certificate. */
export interface MutualTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who signs the certificates of those who connect. */
  readonly clientCaFile: string;
  /** SPIFFE ids: one of them must stand in the certificate of whoever connects. */
  readonly peers: readonly string[];
}

export const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+$/;

const FILES = ["tls-cert", "tls-key", "tls-client-ca"] as const;

/** Read `--listen-envoy` and what belongs to it. */
export function envoyGiven(reader: Reader): {
  readonly settings: EnvoySettings | undefined;
  readonly addresses: readonly GivenAddress[];
} {
  const addresses = given(reader, "listen-envoy").length > 0 ? addressesGiven(reader, "listen-envoy", "") : [];
  const tcp = addresses.find(({ address }) => address.kind === "tcp");
  if (!tcp) refuseIdle(reader);
  if (addresses.length === 0) return { settings: undefined, addresses };
  const settings = {
    listen: Object.freeze(addresses.map(({ address }) => address)),
    mutualTls: tcp && mutualTls(reader, tcp),
  };
  return { settings: Object.freeze(settings), addresses };
}

/** A flag that protects nothing must not look as if it did. */
function refuseIdle(reader: Reader): void {
  for (const name of [...FILES, "envoy-peer"]) {
    const [first] = given(reader, name);
    if (!first) continue;
    const what = "no listener for Envoy is on TCP, and no other speaks TLS in this version";
    reader.faults.push({ where: first.where, what, remedy: "leave it out, or give --listen-envoy IP:PORT" });
  }
}

function mutualTls(reader: Reader, { address, where }: GivenAddress): MutualTls {
  const [certFile = "", keyFile = "", clientCaFile = ""] = FILES.map((name) => given(reader, name).at(-1)?.text ?? "");
  const peers = given(reader, "envoy-peer");
  const missing = [
    ...FILES.filter((_, nth) => [certFile, keyFile, clientCaFile][nth] === ""),
    ...(peers.length === 0 ? ["envoy-peer"] : []),
  ].map((name) => `--${name}`);
  if (missing.length > 0) {
    reader.faults.push({
      where: `${where} ${formatAddress(address)}`,
      what: "whoever reaches this port could have calls sent with your Mistral keys",
      remedy: `give ${missing.join(", ")} too, so that only Envoy can connect; or listen on a Unix socket`,
    });
  }
  for (const peer of peers.filter(({ text }) => !SPIFFE_ID.test(text))) {
    const remedy = "write the URI in Envoy's certificate, such as spiffe://acme/ns/egress/sa/envoy";
    reader.faults.push({ where: `${peer.where} ${peer.text}`, what: "no SPIFFE id", remedy });
  }
  return Object.freeze({ certFile, keyFile, clientCaFile, peers: Object.freeze(peers.map(({ text }) => text)) });
}
