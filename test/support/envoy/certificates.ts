import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { endAfterwards } from "../redis/ending.js";

const openssl = promisify(execFile);
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];

/** A certificate and its key, as files and as PEM. */
export interface Certificate {
  readonly files: { readonly certificate: string; readonly key: string };
  readonly certificate: string;
  readonly key: string;
}

/** Whom a certificate names. */
export interface Subject {
  /** `DNS:api.mistral.ai`, `URI:spiffe://acme/ns/search/sa/default`, `IP:127.0.0.1`; none where left out. */
  readonly names?: readonly string[];
  /** The common name; the first of the names, or "test", where left out. */
  readonly commonName?: string;
}

/** An authority of a test's own, that issues for servers and for clients. Its directory goes after the test. */
export class Authority {
  readonly root: Certificate;
  readonly #directory: string;
  #issued = 0;

  private constructor(directory: string, root: Certificate) {
    this.#directory = directory;
    this.root = root;
  }

  /** Make one with openssl. @throws Error where openssl is missing or refuses. */
  static async create(): Promise<Authority> {
    const directory = await mkdtemp(join(tmpdir(), "authority-"));
    endAfterwards(() => rm(directory, { recursive: true, force: true }));
    const root = await made(join(directory, "root"), ["-subj", "/CN=test authority"]);
    return new Authority(directory, root);
  }

  /** Issue a certificate, good for a server and for a client. */
  async issue({ names = [], commonName = names[0] ?? "test" }: Subject = {}): Promise<Certificate> {
    this.#issued += 1;
    const { certificate, key } = this.root.files;
    return made(join(this.#directory, String(this.#issued)), [
      ...["-CA", certificate, "-CAkey", key, "-subj", `/CN=${commonName.replaceAll("/", "\\/")}`],
      ...["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth,clientAuth"],
      ...(names.length === 0 ? [] : ["-addext", `subjectAltName=${names.join(",")}`]),
    ]);
  }
}

async function made(stem: string, args: readonly string[]): Promise<Certificate> {
  const files = { certificate: `${stem}.crt`, key: `${stem}.key` };
  await openssl("openssl", ["req", "-x509", ...NEW_KEY, "-out", files.certificate, "-keyout", files.key, ...args]);
  const [certificate, key] = await Promise.all([readFile(files.certificate, "utf8"), readFile(files.key, "utf8")]);
  return { files, certificate, key };
}
