import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Accept, MakeServer } from "./listeners.js";

/** PEM. */
export interface Certificates {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer;
}

export interface MutualTlsOptions {
  readonly certificates: Certificates;
  /** SPIFFE ids; whoever shows another, or none, is cut off. */
  readonly peers: readonly string[];
  /** Told of each connection that was not let in, for the log. */
  readonly refused: (why: string) => void;
}

/** A peer that connects and says nothing holds a socket for so long. */
const HANDSHAKE_MS = 10_000;

/**
 * Listen with TLS on both sides, and let nobody in who does not show one of the peers' certificates.
 *
 * TLS ends here rather than inside grpc-js, so that a peer is judged once for its connection and not in every call.
 *
 * @throws Error where the certificates are none.
 */
export function mutualTls({ certificates, peers, refused }: MutualTlsOptions): MakeServer {
  const { cert, key, clientCa } = certificates;
  return (accept: Accept): Server => {
    const server = createServer({
      cert,
      key,
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["h2"],
      handshakeTimeout: HANDSHAKE_MS,
      noDelay: true,
    });
    server.on("secureConnection", (socket) => {
      const shown = uriNames(socket);
      if (shown.some((name) => peers.includes(name))) {
        accept(socket);
        return;
      }
      refused(`a certificate of ${shown.join(", ") || "no SPIFFE id"} is not --envoy-peer`);
      socket.destroy();
    });
    server.on("tlsClientError", (error) => refused(error.message));
    return server;
  };
}

/** Node puts a name that holds a comma or a quote in quotes. No SPIFFE id does, and taken apart it could look like two. */
function uriNames(socket: TLSSocket): readonly string[] {
  const { subjectaltname = "" } = socket.getPeerCertificate();
  if (subjectaltname.includes('"')) return [];
  return subjectaltname
    .split(", ")
    .filter((name) => name.startsWith("URI:"))
    .map((name) => name.slice("URI:".length));
}
