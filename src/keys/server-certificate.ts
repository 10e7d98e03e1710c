import type { Clock } from "../app/ports.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { HeldFiles, type Reading } from "./held-files.js";
import { readTlsFiles, type TlsPair, type TlsPaths } from "./tls-files.js";

export interface ServerCertificateOptions {
  readonly paths: TlsPaths;
  readonly clock: Clock;
  /** Told when new certificates are in force. Must not throw. */
  readonly onTaken: (pair: TlsPair) => void;
  /** Lines for the operator. */
  readonly warn: (line: string) => void;
  readonly pollMs?: Millis;
}

const DAY_MS = 86_400_000;
const SOON_MS = 7 * DAY_MS;
/** How often the end of the certificate in force is looked at. */
const LOOK_MS = 60_000;

/**
 * The certificates that listeners show and ask for, as their files say now.
 *
 * New ones that do not fit each other, cannot be read or are not valid now leave the last good ones in force. The first
 * ones are taken as they are, valid or not: what listens without TLS can then serve. Warns once a day of a certificate
 * with less than a week to go.
 */
export class ServerCertificate {
  readonly #options: ServerCertificateOptions;
  readonly #files: HeldFiles<TlsPair>;
  readonly #warning: NodeJS.Timeout;
  /** When it was last warned of the certificate in force. */
  #warnedAt: EpochMs = Number.NEGATIVE_INFINITY;

  private constructor(options: ServerCertificateOptions, files: HeldFiles<TlsPair>) {
    this.#options = options;
    this.#files = files;
    this.#warning = setInterval(() => this.warnOfExpiry(), LOOK_MS).unref();
  }

  /** Read them for the first time. @returns a line for a person where they cannot be used. */
  static async open(
    options: ServerCertificateOptions,
  ): Promise<
    { readonly kind: "open"; readonly certificate: ServerCertificate } | { readonly kind: "bad"; readonly why: string }
  > {
    const { paths, clock, warn, pollMs } = options;
    let opened: ServerCertificate | undefined;
    const files = await HeldFiles.open<TlsPair>({
      paths: [paths.certFile, paths.keyFile, ...(paths.clientCaFile === undefined ? [] : [paths.clientCaFile])],
      read: async () => {
        const read = await readTlsFiles(paths);
        return opened && read.kind === "good" ? validNow(read.value, paths, clock.now()) : read;
      },
      onTaken: (pair) => {
        if (opened) opened.#take(pair);
      },
      onLost: (why) => warn(`${why}; the certificates that were there last stay in force`),
      ...(pollMs === undefined ? {} : { pollMs }),
    });
    if (files.kind === "bad") return files;
    opened = new ServerCertificate(options, files.files);
    opened.warnOfExpiry();
    return { kind: "open", certificate: opened };
  }

  /** Those in force. */
  get pair(): TlsPair {
    return this.#files.value;
  }

  /** Look at the files now. */
  look(): Promise<void> {
    return this.#files.look();
  }

  /** Warn of a certificate that ends soon or is not valid, unless that was done within a day. */
  warnOfExpiry(): void {
    const now = this.#options.clock.now();
    if (now - this.#warnedAt < DAY_MS) return;
    const line = fault(this.pair, now);
    if (line === undefined) return;
    this.#warnedAt = now;
    this.#options.warn(`the certificate in ${this.#options.paths.certFile} ${line}; put a new one there`);
  }

  /** Look no more. */
  close(): void {
    clearInterval(this.#warning);
    this.#files.close();
  }

  #take(pair: TlsPair): void {
    this.#options.onTaken(pair);
    this.#warnedAt = Number.NEGATIVE_INFINITY;
    this.warnOfExpiry();
  }
}

function validNow(pair: TlsPair, { certFile }: TlsPaths, now: EpochMs): Reading<TlsPair> {
  const isValid = pair.from <= now && now < pair.until;
  return isValid ? { kind: "good", value: pair } : { kind: "bad", why: `${certFile} ${fault(pair, now)}` };
}

/** What is wrong with the time of a certificate, as the end of a sentence; undefined: nothing, for a week to come. */
function fault({ from, until }: TlsPair, now: EpochMs): string | undefined {
  if (now < from) return `is not valid before ${new Date(from).toISOString()}`;
  if (now >= until) return `expired on ${new Date(until).toISOString()}`;
  if (until - now >= SOON_MS) return undefined;
  const days = Math.floor((until - now) / DAY_MS);
  const left = days === 0 ? "less than a day" : `${days} day${days === 1 ? "" : "s"}`;
  return `expires in ${left}, on ${new Date(until).toISOString()}`;
}
