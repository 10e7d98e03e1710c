import type { Address } from "../transport/address.js";
import { formatAddress } from "../transport/address.js";
import { addressesGiven, type GivenAddress, given, type Reader } from "./given.js";

/** Where Envoy asks, and how it proves that it is Envoy. */
export interface EnvoySettings {
  /** At least one, none twice. */
  readonly listen: readonly Address[];
  /** SPIFFE ids: one of them must stand in the certificate of whoever connects on TCP; none where nobody can. */
  readonly peers: readonly string[];
}

export const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+$/;

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
    peers: tcp ? peersGiven(reader, tcp) : [],
  };
  return { settings: Object.freeze(settings), addresses };
}

/** A flag that protects nothing must not look as if it did. */
function refuseIdle(reader: Reader): void {
  const [first] = given(reader, "envoy-peer");
  if (!first) return;
  const what = "no listener for Envoy is on TCP";
  reader.faults.push({ where: first.where, what, remedy: "leave it out, or give --listen-envoy IP:PORT" });
}

const PROOF = ["tls-cert", "tls-key", "tls-client-ca", "envoy-peer"] as const;

function peersGiven(reader: Reader, { address, where }: GivenAddress): readonly string[] {
  const missing = PROOF.filter((name) => given(reader, name).length === 0).map((name) => `--${name}`);
  if (missing.length > 0) {
    reader.faults.push({
      where: `${where} ${formatAddress(address)}`,
      what: "whoever reaches this port could have calls sent with your Mistral keys",
      remedy: `give ${missing.join(", ")} too, so that only Envoy can connect; or listen on a Unix socket`,
    });
  }
  const peers = given(reader, "envoy-peer");
  for (const peer of peers.filter(({ text }) => !SPIFFE_ID.test(text))) {
    const remedy = "write the URI in Envoy's certificate, such as spiffe://acme/ns/egress/sa/envoy";
    reader.faults.push({ where: `${peer.where} ${peer.text}`, what: "no SPIFFE id", remedy });
  }
  return Object.freeze(peers.map(({ text }) => text));
}
