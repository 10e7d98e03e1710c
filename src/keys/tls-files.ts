import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { EpochMs } from "../domain/units.js";
import type { Reading } from "./held-files.js";
import { readSmallFile } from "./read-file.js";

/** Where certificates lie, PEM. */
export interface TlsPaths {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who signs the certificates of those who connect; undefined: they need none. */
  readonly clientCaFile?: string | undefined;
}

/** Certificates that go together. */
export interface TlsPair {
  /** PEM: the certificate, then its chain. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** PEM; undefined: those who connect need no certificate. */
  readonly clientCa: Buffer | undefined;
  /** When the certificate is valid; its chain is not looked at. */
  readonly from: EpochMs;
  readonly until: EpochMs;
}

/** A bundle of every public authority has 250 KB. */
const MOST_BYTES = 1024 * 1024;

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Read a certificate, its key, and who signs those of others, and see that they can be used together.
 *
 * Whether the certificate is valid now is the caller's to judge. No line shows anything of a key.
 */
export async function readTlsFiles({ certFile, keyFile, clientCaFile }: TlsPaths): Promise<Reading<TlsPair>> {
  const cert = await readSmallFile(certFile, MOST_BYTES);
  if (cert.kind === "none") return bad(certFile, cert.why);
  const key = await readSmallFile(keyFile, MOST_BYTES);
  if (key.kind === "none") return bad(keyFile, key.why);
  const clientCa = clientCaFile === undefined ? undefined : await readSmallFile(clientCaFile, MOST_BYTES);
  if (clientCa?.kind === "none") return bad(clientCaFile, clientCa.why);

  const [leaf] = certificatesIn(cert.bytes) ?? [];
  if (!leaf) return bad(certFile, "holds no certificate in PEM");
  const privateKey = keyIn(key.bytes);
  if (!privateKey) return bad(keyFile, "holds no private key in PEM without a passphrase");
  if (!leaf.checkPrivateKey(privateKey)) return bad(keyFile, `is not the key of the certificate in ${certFile}`);
  if (clientCa && !certificatesIn(clientCa.bytes)?.length) return bad(clientCaFile, "holds no certificate in PEM");

  const pair = { cert: cert.bytes, key: key.bytes, clientCa: clientCa?.bytes };
  const why = whyUnusable(pair);
  if (why !== undefined) return bad(certFile, `and ${keyFile} cannot be used (${why})`);
  const value = { ...pair, from: Date.parse(leaf.validFrom), until: Date.parse(leaf.validTo) };
  // OpenSSL takes a certificate with such a time, and writes that it is bad.
  if (Number.isNaN(value.from + value.until)) return bad(certFile, "does not say when its certificate is valid");
  return { kind: "good", value: Object.freeze(value) };
}

/** The certificates of a PEM file, in its order; undefined where one cannot be read. */
export function certificatesIn(pem: Buffer): readonly X509Certificate[] | undefined {
  return fromOpenssl(() => (pem.toString("latin1").match(BLOCK) ?? []).map((block) => new X509Certificate(block)));
}

/** undefined where there is none, or it is locked by a passphrase. */
function keyIn(pem: Buffer): KeyObject | undefined {
  return fromOpenssl(() => createPrivateKey(pem));
}

/** What OpenSSL refuses though each part can be read, such as a key that is too short to be safe. */
function whyUnusable({ cert, key, clientCa: ca }: Pick<TlsPair, "cert" | "key" | "clientCa">): string | undefined {
  try {
    createSecureContext({ cert, key, ca });
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}

/** What OpenSSL makes of bytes; undefined where it refuses them. */
function fromOpenssl<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

function bad(file: string | undefined, why: string): Reading<TlsPair> {
  return { kind: "bad", why: `${file} ${why}` };
}
