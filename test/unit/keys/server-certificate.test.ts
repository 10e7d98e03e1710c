import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { ServerCertificate } from "../../../src/keys/server-certificate.js";
import type { TlsPair } from "../../../src/keys/tls-files.js";
import { Authority, type Certificate, putInPlace } from "../../support/envoy/certificates.js";
import { FakeClock } from "../../support/fake-clock.js";

const DAY_MS = 86_400_000;

let authority: Authority;
let first: Certificate;
let second: Certificate;
beforeAll(async () => {
  authority = await Authority.create();
  first = await issue("2026-11-01", "2026-12-01");
  second = await issue("2026-11-15", "2027-01-01");
});

let directory = "";
const opened: ServerCertificate[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "server-certificate-"));
});
afterEach(() => {
  for (const certificate of opened.splice(0)) certificate.close();
  rmSync(directory, { recursive: true });
});

function issue(from: string, until: string): Promise<Certificate> {
  return authority.issue({ names: ["DNS:x"], valid: { from: new Date(from), until: new Date(until) } });
}

const files = () => ({ certificate: join(directory, "cert"), key: join(directory, "key") });
const paths = () => ({
  certFile: files().certificate,
  keyFile: files().key,
  clientCaFile: join(directory, "ca"),
});

/** Certificates that are looked at when the test says so, at the time that it says. */
async function open(start = "2026-11-20") {
  const clock = new FakeClock(start);
  const taken: TlsPair[] = [];
  const lines: string[] = [];
  const result = await ServerCertificate.open({
    paths: paths(),
    clock,
    onTaken: (pair) => taken.push(pair),
    warn: (line) => lines.push(line.replaceAll(directory, "DIR")),
    pollMs: 3_600_000,
  });
  if (result.kind === "bad") throw new Error(result.why.replaceAll(directory, "DIR"));
  opened.push(result.certificate);
  const look = async (times = 1) => {
    for (let time = 0; time < times; time += 1) await result.certificate.look();
  };
  return { certificate: result.certificate, clock, taken, lines, look };
}

async function inPlace(certificate = first) {
  await putInPlace(certificate, files());
  copyFileSync(authority.root.files.certificate, paths().clientCaFile);
}

/** The same certificate, but the end of its time is none: OpenSSL reads it still. */
function withoutEnd({ certificate }: Certificate): string {
  const { raw } = new X509Certificate(certificate);
  const bytes = Buffer.from(raw);
  bytes.write("XX", bytes.indexOf("261201000000Z", 0, "latin1") + 4, "latin1");
  return `-----BEGIN CERTIFICATE-----\n${bytes.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

describe("a server's certificate", () => {
  it("that does not say how long it is valid is refused, and a new one leaves the last in force", async () => {
    await inPlace();
    writeFileSync(paths().certFile, withoutEnd(first));
    await expect(open()).rejects.toThrow("DIR/cert does not say when its certificate is valid");
    await inPlace();
    const { certificate, lines, look } = await open();
    writeFileSync(paths().certFile, withoutEnd(first));
    await look(2);
    expect(certificate.pair.cert).toEqual(Buffer.from(first.certificate));
    expect(lines).toContain(
      "DIR/cert does not say when its certificate is valid; the certificates that were there last stay in force",
    );
  });

  it("is read with its key, its time and the authority of clients", async () => {
    await inPlace();
    const { certificate } = await open();
    expect(certificate.pair).toEqual({
      cert: Buffer.from(first.certificate),
      key: Buffer.from(first.key),
      clientCa: Buffer.from(authority.root.certificate),
      from: Date.parse("2026-11-01"),
      until: Date.parse("2026-12-01"),
    });
  });

  it("is another one once its files say so", async () => {
    await inPlace();
    const { certificate, taken, look } = await open();
    await look();
    expect(taken).toEqual([]);
    await inPlace(second);
    await look();
    expect(taken.map(({ until }) => until)).toEqual([Date.parse("2027-01-01")]);
    expect(certificate.pair.key.toString()).toBe(second.key);
  });

  it("waits for the other half where one file is written before the other, and says nothing of it", async () => {
    await inPlace();
    const { certificate, lines, look } = await open();
    writeFileSync(files().certificate, second.certificate);
    await look();
    expect(certificate.pair.cert.toString()).toBe(first.certificate);
    writeFileSync(files().key, second.key);
    await look();
    expect(certificate.pair.cert.toString()).toBe(second.certificate);
    expect(lines).toEqual([]);
  });

  test.each<[string, () => void, string]>([
    [
      "fits no key",
      () => writeFileSync(files().key, second.key),
      "DIR/key is not the key of the certificate in DIR/cert",
    ],
    ["is gone", () => rmSync(files().certificate), "DIR/cert does not exist"],
    ["is none", () => writeFileSync(files().certificate, "rubbish"), "DIR/cert holds no certificate in PEM"],
    ["has no key", () => writeFileSync(files().key, ""), "DIR/key holds no private key in PEM without a passphrase"],
    ["has no authority", () => writeFileSync(paths().clientCaFile, "\n"), "DIR/ca holds no certificate in PEM"],
  ])("that %s leaves the last one in force, and that is told once", async (_, spoil, why) => {
    await inPlace();
    const { certificate, taken, lines, look } = await open();
    spoil();
    await look(5);
    expect(taken).toEqual([]);
    expect(certificate.pair.cert.toString()).toBe(first.certificate);
    expect(lines).toEqual([`${why}; the certificates that were there last stay in force`]);

    await inPlace(second);
    await look();
    expect(certificate.pair.cert.toString()).toBe(second.certificate);
  });

  it("that is not valid yet is taken up when it is", async () => {
    await inPlace();
    const { clock, taken, lines, look } = await open();
    await inPlace(await issue("2026-11-21", "2027-02-01"));
    await look(3);
    expect(taken).toEqual([]);
    expect(lines).toEqual([
      "DIR/cert is not valid before 2026-11-21T00:00:00.000Z; the certificates that were there last stay in force",
    ]);
    clock.advance(DAY_MS);
    await look();
    expect(taken.map(({ until }) => until)).toEqual([Date.parse("2027-02-01")]);
  });

  it("that has expired takes no place of one that has not", async () => {
    await inPlace();
    const { taken, look } = await open();
    await inPlace(await issue("2026-10-01", "2026-11-19"));
    await look(3);
    expect(taken).toEqual([]);
  });

  it("is warned of once a day in its last week, and after it", async () => {
    await inPlace();
    const { certificate, clock, lines } = await open();
    expect(lines).toEqual([]);
    clock.moveTo("2026-11-24T00:00:01Z");
    for (let hours = 0; hours < 8 * 24; hours += 1) {
      certificate.warnOfExpiry();
      clock.advance(DAY_MS / 24);
    }
    expect(lines).toHaveLength(8);
    expect(lines[0]).toBe(
      "the certificate in DIR/cert expires in 6 days, on 2026-12-01T00:00:00.000Z; put a new one there",
    );
    expect(lines[6]).toMatch(/expires in less than a day/);
    expect(lines[7]).toMatch(/expired on 2026-12-01/);
  });

  it("is served though it has expired at the start, with a warning", async () => {
    await inPlace();
    const { lines } = await open("2026-12-24");
    expect(lines).toEqual(["the certificate in DIR/cert expired on 2026-12-01T00:00:00.000Z; put a new one there"]);
  });

  test.each<[string, () => void, string]>([
    ["is missing", () => rmSync(files().certificate), "DIR/cert does not exist"],
    ["has another key", () => writeFileSync(files().key, second.key), "DIR/key is not the key of"],
    [
      "has a locked key",
      () =>
        execFileSync("openssl", ["ec", "-aes128", "-passout", "pass:x", "-in", first.files.key, "-out", files().key], {
          stdio: "ignore",
        }),
      "DIR/key holds no private key in PEM without a passphrase",
    ],
  ])("that %s at the start is a fault", async (_, spoil, why) => {
    await inPlace();
    spoil();
    await expect(open()).rejects.toThrow(why);
  });
});
