import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
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
  /** What the certificate may be used for: serverAuth, clientAuth; both where left out. */
  readonly usage?: "serverAuth" | "clientAuth" | "serverAuth,clientAuth";
  /** From now to two days from now where left out. */
  readonly valid?: { readonly from: Date; readonly until: Date };
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
  async issue(subject: Subject = {}): Promise<Certificate> {
    this.#issued += 1;
    const { names = [], commonName = names[0] ?? "test", usage = "serverAuth,clientAuth", valid } = subject;
    const { certificate, key } = this.root.files;
    const stem = join(this.#directory, String(this.#issued));
    const extensions = [
      "basicConstraints=critical,CA:FALSE",
      `extendedKeyUsage=${usage}`,
      ...(names.length === 0 ? [] : [`subjectAltName=${names.join(",")}`]),
    ];
    const named = ["-subj", `/CN=${commonName.replaceAll("/", "\\/")}`];
    if (valid) return this.#issueFor(valid, stem, named, extensions);
    return made(stem, [
      ...["-CA", certificate, "-CAkey", key, ...named],
      ...extensions.flatMap((extension) => ["-addext", extension]),
    ]);
  }

  /** Only `openssl ca` takes dates. */
  async #issueFor(
    { from, until }: NonNullable<Subject["valid"]>,
    stem: string,
    named: readonly string[],
    extensions: readonly string[],
  ): Promise<Certificate> {
    const files = { certificate: `${stem}.crt`, key: `${stem}.key` };
    const [config, asked] = [`${stem}.cnf`, `${stem}.csr`];
    await writeFile(`${stem}.index`, "");
    await writeFile(config, caConfig(stem, this.root.files, extensions));
    await openssl("openssl", ["req", ...NEW_KEY.slice(0, -2), "-keyout", files.key, "-out", asked, ...named]);
    const dates = ["-startdate", dateOf(from), "-enddate", dateOf(until)];
    const paths = ["-config", config, "-in", asked, "-out", files.certificate, "-outdir", this.#directory];
    await openssl("openssl", ["ca", "-batch", "-notext", ...dates, ...paths]);
    return read(files);
  }
}

/** Put a certificate and its key in the place of others, by rename, as those who rotate them do. */
export async function putInPlace({ files: from }: Certificate, to: Certificate["files"]): Promise<void> {
  for (const name of ["key", "certificate"] as const) {
    await copyFile(from[name], `${to[name]}.new`);
    await rename(`${to[name]}.new`, to[name]);
  }
}

function caConfig(stem: string, root: Certificate["files"], extensions: readonly string[]): string {
  return [
    "[ca]",
    "default_ca = test",
    "[test]",
    `database = ${stem}.index`,
    "rand_serial = yes",
    `certificate = ${root.certificate}`,
    `private_key = ${root.key}`,
    "default_md = sha256",
    "policy = any",
    "x509_extensions = extensions",
    "[any]",
    "commonName = supplied",
    "[extensions]",
    ...extensions.map((extension) => extension.replace("=", " = ")),
    "",
  ].join("\n");
}

/** YYYYMMDDHHMMSSZ. */
function dateOf(date: Date): string {
  return `${date.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
}

async function made(stem: string, args: readonly string[]): Promise<Certificate> {
  const files = { certificate: `${stem}.crt`, key: `${stem}.key` };
  await openssl("openssl", ["req", "-x509", ...NEW_KEY, "-out", files.certificate, "-keyout", files.key, ...args]);
  return read(files);
}

async function read(files: Certificate["files"]): Promise<Certificate> {
  const [certificate, key] = await Promise.all([readFile(files.certificate, "utf8"), readFile(files.key, "utf8")]);
  return { files, certificate, key };
}
