import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import type { Millis } from "../domain/units.js";
import type { Accept, Gate } from "./connections.js";
import { uriNames } from "./peer.js";

/** PEM. */
export interface Certificates {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Who signs the certificates of those who connect; undefined: they need none. */
  readonly clientCa: Buffer | undefined;
}

export interface TlsGateOptions {
  readonly certificates: Certificates;
  /** SPIFFE ids; whoever shows none of them is cut off. When left out, whoever the client CA vouches for may pass. */
  readonly peers?: readonly string[] | undefined;
  /** Told of each connection that was not let in, for the log: as often as strangers please. */
  readonly refused: (why: string) => void;
  /** How long a handshake may take; 5 s when left out. */
  readonly handshakeMs?: Millis;
  /** How many handshakes there may be at once; 512 when left out. */
  readonly mostHandshakes?: number;
}

const HANDSHAKE_MS = 5_000;
const MOST_HANDSHAKES = 512;

/** A connection in its handshake. */
interface Entering {
  readonly socket: Socket;
  readonly passed: Accept;
  readonly timer: NodeJS.Timeout;
}

/**
 * TLS in front of listeners, and nobody is let in who does not prove what is asked.
 *
 * TLS ends here rather than inside grpc-js, so that a peer is judged once for its connection and not in every call, and
 * certificates can change while calls run. Handshakes are bounded in time from their start, because a peer that sends a
 * byte now and then is never idle; and in number: the one that began first gives way, since an honest one takes
 * milliseconds. Sessions are not resumed: that would let in a certificate without looking at it again.
 */
export class TlsGate implements Gate {
  readonly #options: TlsGateOptions;
  /** Listens nowhere: it is handed connections. */
  readonly #server: Server;
  readonly #entering = new Map<string, Entering>();

  /** @throws Error where the certificates are none. */
  constructor(options: TlsGateOptions) {
    this.#options = options;
    this.#server = createServer({
      ...contextOf(options.certificates),
      requestCert: options.certificates.clientCa !== undefined,
      // Node would cut off without a word whom `#whyNot` refuses with a reason.
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
    });
    this.#server.on("secureConnection", (socket) => this.#judge(socket));
    this.#server.on("tlsClientError", (error) => {
      // Who hung up, or was cut off here and is told of already.
      if (!("code" in error && error.code === "ECONNRESET")) options.refused(reasonOf(error));
    });
  }

  /** Show other certificates, and ask for those of another authority, from the next handshake on. */
  replace(certificates: Certificates): void {
    this.#server.setSecureContext(contextOf(certificates));
  }

  enter(socket: Socket, passed: Accept): void {
    const name = nameOf(socket);
    // Gone already.
    if (name === undefined) {
      socket.destroy();
      return;
    }
    const { handshakeMs = HANDSHAKE_MS, mostHandshakes = MOST_HANDSHAKES } = this.#options;
    const [oldest] = this.#entering.size >= mostHandshakes ? this.#entering.keys() : [];
    if (oldest !== undefined) this.#giveUp(oldest, `more than ${mostHandshakes} handshakes at once`);

    const timer = setTimeout(() => this.#giveUp(name, `no handshake within ${handshakeMs} ms`), handshakeMs);
    this.#entering.set(name, { socket, passed, timer });
    socket.once("close", () => {
      if (this.#entering.get(name)?.socket === socket) this.#leave(name);
    });
    this.#server.emit("connection", socket);
  }

  #judge(socket: TLSSocket): void {
    const entering = this.#leave(nameOf(socket));
    if (!entering) {
      socket.destroy();
      return;
    }
    const why = this.#whyNot(socket);
    if (why === undefined) {
      entering.passed(socket);
      return;
    }
    this.#options.refused(why);
    socket.destroy();
  }

  #whyNot(socket: TLSSocket): string | undefined {
    if (socket.alpnProtocol !== "h2") return "it did not offer HTTP/2 (ALPN h2)";
    const { certificates, peers } = this.#options;
    if (!certificates.clientCa) return undefined;
    const certificate = socket.getPeerCertificate(true);
    if (!certificate?.raw) return "it showed no certificate";
    if (!socket.authorized) return `its certificate was not accepted (${String(socket.authorizationError)})`;
    // Made anew it takes 50 us, and grpc-js would have it made for every call that asks who its peer is.
    socket.getPeerCertificate = () => certificate;
    const shown = uriNames(certificate);
    if (!peers || shown.some((name) => peers.includes(name))) return undefined;
    return `a certificate of ${shown.join(", ") || "no SPIFFE id"} is not --envoy-peer`;
  }

  #giveUp(name: string, why: string): void {
    const entering = this.#leave(name);
    if (!entering) return;
    this.#options.refused(why);
    entering.socket.destroy();
  }

  #leave(name: string | undefined): Entering | undefined {
    if (name === undefined) return undefined;
    const entering = this.#entering.get(name);
    clearTimeout(entering?.timer);
    this.#entering.delete(name);
    return entering;
  }
}

/** OpenSSL's own word, without the file and line of its source. */
function reasonOf(error: Error): string {
  return "reason" in error && typeof error.reason === "string" ? error.reason : error.message;
}

function contextOf({ cert, key, clientCa: ca }: Certificates): SecureContextOptions {
  return { cert, key, ca, minVersion: "TLSv1.2", secureOptions: constants.SSL_OP_NO_TICKET };
}

/** Tells a connection from every other that is open: TLS hands back another socket than it was given. */
function nameOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return [remoteAddress, remotePort, localAddress, localPort].join(" ");
}
