import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { Authority, putInPlace, type Subject } from "../support/envoy/certificates.js";
import { inTime } from "../support/redis/deadlines.js";
import { connect, startService, statusOf, temporaryDirectory } from "./running-service.js";
import { channelOf, closed, knock, NAMES, POLICY, QUESTION, shakeHands, startTls } from "./tls-stage.js";

const DAY_MS = 86_400_000;
const UNAVAILABLE = 14;

function daysFromNow(from: number, until: number): NonNullable<Subject["valid"]> {
  return { from: new Date(Date.now() + from * DAY_MS), until: new Date(Date.now() + until * DAY_MS) };
}

describe("a listener with a certificate", () => {
  it("answers by TLS, and asks for none in return unless told to", async () => {
    const { client } = await startTls({ asksClients: false });
    expect(await client().authorize(QUESTION)).toMatchObject({ allowed: true });
  });

  it("answers nobody in plain text, on loopback either", async () => {
    const { plainClient, client, refused } = await startTls({ asksClients: false });
    expect(await statusOf(plainClient().authorize(QUESTION))).toMatchObject({ code: UNAVAILABLE });
    expect(refused()).toBe(1);
    expect(await client().authorize(QUESTION)).toMatchObject({ allowed: true });
  });

  it("leaves Unix sockets plain", async () => {
    const path = join(temporaryDirectory(), "plain.sock");
    const tcp = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const { client } = await startTls({ asksClients: false, listen: [tcp, { kind: "unix", path }] });
    expect(await connect(`unix:${path}`).authorize(QUESTION)).toMatchObject({ allowed: true });
    expect(await client().authorize(QUESTION)).toMatchObject({ allowed: true });
  });

  it("speaks no TLS before 1.2, and HTTP/2 only", async () => {
    const { authority, port, refused } = await startTls({ asksClients: false });
    const ca = authority.root.certificate;
    const old = { ca, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    expect(await shakeHands(port, old)).toMatch(/PROTOCOL_VERSION/);
    expect(await shakeHands(port, { ca, ALPNProtocols: ["http/1.1"] })).toMatch(/NO_APPLICATION_PROTOCOL/);
    const silent = await shakeHands(port, { ca, ALPNProtocols: [] });
    if (typeof silent !== "string") await closed(silent);
    expect(refused()).toBe(3);
    expect(await shakeHands(port, { ca, maxVersion: "TLSv1.2" })).toMatchObject({ alpnProtocol: "h2" });
  });

  it("resumes no session: a certificate is looked at each time", async () => {
    const { authority, port } = await startTls();
    const { certificate: cert, key } = await authority.issue({ names: ["URI:spiffe://acme/a"] });
    const options = { ca: authority.root.certificate, cert, key, maxVersion: "TLSv1.2" } as const;
    const first = await shakeHands(port, options);
    if (typeof first === "string") throw new Error(first);
    const session = first.getSession();
    if (!session) throw new Error("no session");
    const second = await shakeHands(port, { ...options, session });
    expect(second).toMatchObject({ alpnProtocol: "h2" });
    expect(typeof second !== "string" && second.isSessionReused()).toBe(false);
  });
});

describe("a listener that asks for certificates", () => {
  it("answers who shows one that its authority signed", async () => {
    const { client, authority, refused } = await startTls();
    const shown = await authority.issue({ names: ["URI:spiffe://acme/ns/search/sa/default"], usage: "clientAuth" });
    expect(await client(shown).authorize(QUESTION)).toMatchObject({ allowed: true });
    expect(refused()).toBe(0);
  });

  test.each<[string, Subject | undefined, RegExp]>([
    ["nobody without one", undefined, /it showed no certificate/],
    ["none that has expired", { valid: daysFromNow(-2, -1) }, /CERT_HAS_EXPIRED/],
    ["none that is not valid yet", { valid: daysFromNow(1, 2) }, /CERT_NOT_YET_VALID/],
    ["none that is for servers alone", { usage: "serverAuth" }, /INVALID_PURPOSE/],
  ])("takes %s, says why, and goes on", async (_, subject, why) => {
    const { client, authority, lines } = await startTls();
    const shown = subject && (await authority.issue(subject));
    expect(await statusOf(client(shown).authorize(QUESTION))).toMatchObject({ code: UNAVAILABLE });
    expect(lines.filter((line) => why.test(line))).toHaveLength(1);
    expect(await client(await authority.issue()).authorize(QUESTION)).toMatchObject({ allowed: true });
  });

  it("takes none of another authority, though it has the same name", async () => {
    const { client, lines, authority } = await startTls();
    const foreign = await (await Authority.create()).issue({ names: ["URI:spiffe://acme/a"] });
    expect(await statusOf(client(foreign).authorize(QUESTION))).toMatchObject({ code: UNAVAILABLE });
    expect(lines.join("\n")).toMatch(/its certificate was not accepted/);
    expect(await client(await authority.issue()).authorize(QUESTION)).toMatchObject({ allowed: true });
  });

  it("bears a port scanner: few lines, and callers are answered", async () => {
    const { port, client, authority, lines, refused } = await startTls();
    const before = lines.length;
    const knocks = Array.from({ length: 200 }, async (_, nth) => {
      const socket = await knock(port);
      if (nth % 4 === 0) socket.resetAndDestroy();
      else if (nth % 4 === 1) socket.end();
      else socket.write(nth % 4 === 2 ? "GET / HTTP/1.1\r\n\r\n" : Buffer.alloc(600, 0xff));
      await closed(socket);
    });
    await Promise.all(knocks);
    expect(refused()).toBe(100);
    expect(lines.length - before).toBe(1);
    expect(await client(await authority.issue()).authorize(QUESTION)).toMatchObject({ allowed: true });
  });
});

describe("certificates that change while calls run", () => {
  it("drop no call, and are shown to who connects next", async () => {
    const { client, authority, files, port, look } = await startTls();
    const shown = await authority.issue();
    const before = client(shown);
    const stream = before.authorizeStream();
    const asked = async (id: string) => {
      const answered = once(stream, "data");
      stream.write({ request: { ...QUESTION, request_id: id } });
      const [answer] = await inTime(5_000, "an answer", answered);
      return answer;
    };
    expect(await asked("before")).toMatchObject({ request_id: "before", response: { allowed: true } });

    const other = await Authority.create();
    const next = await other.issue({ names: NAMES });
    const calls = Array.from({ length: 200 }, () => before.authorize(QUESTION));
    await putInPlace(next, files);
    await look();
    calls.push(...Array.from({ length: 200 }, () => before.authorize(QUESTION)));

    expect((await Promise.all(calls)).every(({ allowed }) => allowed)).toBe(true);
    expect(await asked("after")).toMatchObject({ request_id: "after", response: { allowed: true } });
    stream.end();
    const fresh = await shakeHands(port, { ca: other.root.certificate, cert: shown.certificate, key: shown.key });
    expect(typeof fresh !== "string" && fresh.getPeerCertificate().raw.equals(derOf(next.certificate))).toBe(true);
    expect(await statusOf(client(shown).authorize(QUESTION))).toMatchObject({ code: UNAVAILABLE });
    expect(await client(shown, other).authorize(QUESTION)).toMatchObject({ allowed: true });
  });

  it("change whose certificates are taken, for who connects next", async () => {
    const { client, authority, clientCaFile, look } = await startTls();
    const before = client(await authority.issue());
    expect(await before.authorize(QUESTION)).toMatchObject({ allowed: true });
    const other = await Authority.create();
    copyFileSync(other.root.files.certificate, clientCaFile);
    await look();
    expect(await before.authorize(QUESTION)).toMatchObject({ allowed: true });
    expect(await statusOf(client(await authority.issue()).authorize(QUESTION))).toMatchObject({ code: UNAVAILABLE });
    expect(await client(await other.issue()).authorize(QUESTION)).toMatchObject({ allowed: true });
  });

  it("leave the last good ones in force where they do not fit", async () => {
    const { client, authority, files, look, lines } = await startTls();
    const stray = await authority.issue({ names: NAMES });
    copyFileSync(stray.files.key, files.key);
    for (let looks = 0; looks < 3; looks += 1) await look();
    expect(await client(await authority.issue()).authorize(QUESTION)).toMatchObject({ allowed: true });
    expect(lines.filter((line) => line.includes("stay in force"))).toHaveLength(1);
  });
});

describe("the end of a service with TLS", () => {
  it("does not wait for who is in a handshake, or has said nothing after it", async () => {
    const { port, service, authority } = await startTls({ drainGraceMs: 60_000 });
    const { certificate: cert, key } = await authority.issue();
    const made = await shakeHands(port, { ca: authority.root.certificate, cert, key });
    if (typeof made === "string") throw new Error(made);
    // The server's first word comes once it has let the client in.
    await inTime(3_000, "the server's settings", once(made, "data"));
    const silent = await knock(port);
    const slow = await knock(port);
    slow.write(Buffer.from([0x16, 0x03, 0x01]));
    expect(await inTime(3_000, "the end", service.stop())).toBe("drained");
    await Promise.all([closed(silent), closed(slow), closed(made)]);
  });
});

describe("the end of a service without TLS", () => {
  it("does not wait for who has just tried TLS", async () => {
    const { address, service } = await startService(POLICY, { drainGraceMs: 200 });
    const client = connect(`dns:${address}`, channelOf(await Authority.create()));
    expect(await statusOf(client.authorize(QUESTION))).toMatchObject({ code: UNAVAILABLE });
    await inTime(3_000, "the end", service.stop());
  });
});

describe("Envoy's door on TCP", () => {
  it("takes the certificates of its peers alone", async () => {
    const peers = ["spiffe://acme/ns/egress/sa/envoy"];
    const listen = [{ kind: "tcp", host: "127.0.0.1", port: 0 }] as const;
    const { authority, service, lines, client } = await startTls({ envoy: { listen, peers } });
    const [address] = service.envoyAddresses();
    const port = address?.kind === "tcp" ? address.port : 0;
    const statusFor = async (...names: string[]) => {
      const shown = await authority.issue({ names });
      return statusOf(connect(`dns:127.0.0.1:${port}`, channelOf(authority, shown)).authorize(QUESTION));
    };
    // The door has no Authorize: to be told so is to have been let in.
    expect(await statusFor("URI:spiffe://acme/ns/egress/sa/envoy")).toMatchObject({ code: 12 });
    expect(await statusFor("URI:spiffe://acme/ns/search/sa/default")).toMatchObject({ code: UNAVAILABLE });
    expect(lines.join("\n")).toMatch(/a certificate of spiffe:\/\/acme\/ns\/search\/sa\/default is not --envoy-peer/);
    expect(await statusFor("DNS:spiffe.acme")).toMatchObject({ code: UNAVAILABLE });
    const search = await authority.issue({ names: ["URI:spiffe://acme/ns/search/sa/default"] });
    expect(await client(search).authorize(QUESTION)).toMatchObject({ allowed: true });
  });
});

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
}
