import type { Clock } from "../app/ports.js";
import { ServerCertificate } from "../keys/server-certificate.js";
import type { TlsSettings } from "../settings/tls-given.js";
import type { Log } from "../telemetry/log.js";
import type { TlsFacts } from "../telemetry/metrics-source.js";
import { Seldom } from "../telemetry/seldom.js";
import { TlsGate } from "../transport/tls-gate.js";

export interface TlsInUseOptions {
  readonly settings: TlsSettings;
  readonly clock: Clock;
  readonly log: Log;
}

/** The certificates of this server, and the gates that show them. */
export class TlsInUse {
  readonly #certificate: ServerCertificate;
  readonly #gates: Set<TlsGate>;
  readonly #refusals: Seldom;
  #refused = 0;

  private constructor(certificate: ServerCertificate, gates: Set<TlsGate>, log: Log) {
    this.#certificate = certificate;
    this.#gates = gates;
    this.#refusals = new Seldom({ what: "connections were refused", write: (line) => log.warn(line) });
  }

  /** Read the certificates. @returns a line for a person where they cannot be used. */
  static async open({
    settings: paths,
    clock,
    log,
  }: TlsInUseOptions): Promise<
    { readonly kind: "open"; readonly tls: TlsInUse } | { readonly kind: "faulty"; readonly fault: string }
  > {
    const gates = new Set<TlsGate>();
    const opened = await ServerCertificate.open({
      paths,
      clock,
      warn: (line) => log.warn(line),
      onTaken: (pair) => {
        for (const gate of gates) gate.replace(pair);
        log.info(`new TLS certificates are in force, until ${new Date(pair.until).toISOString()}`);
      },
    });
    if (opened.kind === "open") return { kind: "open", tls: new TlsInUse(opened.certificate, gates, log) };
    return { kind: "faulty", fault: `TLS: ${opened.why}; give PEM files that this process may read` };
  }

  /**
   * Make a gate that shows the certificates in force.
   *
   * @param peers SPIFFE ids that alone may pass; whoever the client CA vouches for when left out.
   */
  gate(peers?: readonly string[]): TlsGate {
    const refused = (why: string) => {
      this.#refused += 1;
      this.#refusals.tell(`a TLS connection was refused: ${why}`);
    };
    const gate = new TlsGate({ certificates: this.#certificate.pair, peers, refused });
    this.#gates.add(gate);
    return gate;
  }

  /** For metrics. */
  facts(): TlsFacts {
    return { expiresAt: this.#certificate.pair.until, refused: this.#refused };
  }

  /** Look at the files now. */
  look(): Promise<void> {
    return this.#certificate.look();
  }

  /** Look at the files no more. */
  close(): void {
    this.#certificate.close();
    this.#refusals.close();
  }
}
