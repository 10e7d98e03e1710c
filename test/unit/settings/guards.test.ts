import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { type Environment, type Flags, formatSettingFault } from "../../../src/settings/given.js";
import { readAskSettings, readServeSettings } from "../../../src/settings.js";

const TLS = { "tls-cert": "cert.pem", "tls-key": "key.pem" };
const UNIX = { listen: ["unix:a"] };

function serve(flags: Flags, env: Environment = {}) {
  return readServeSettings({ flags: { policy: "policy.yaml", ...flags }, env, isTerminal: false });
}

function ask(flags: Flags, env: Environment = {}) {
  return readAskSettings({ flags, env });
}

function settingsOf<T>(result: { kind: "read"; settings: T } | { kind: "faulty"; faults: readonly object[] }): T {
  if (result.kind === "faulty") throw new Error(JSON.stringify(result.faults));
  return result.settings;
}

function faultsOf(result: ReturnType<typeof serve | typeof ask>): readonly string[] {
  return result.kind === "faulty" ? result.faults.map(formatSettingFault) : [];
}

describe("TLS of listeners", () => {
  it("is spoken nowhere unless it is said", () => {
    expect(settingsOf(serve({})).tls).toBeUndefined();
  });

  it("takes a certificate and its key, and an authority where callers must show one too", () => {
    expect(settingsOf(serve(TLS)).tls).toEqual({
      certFile: "cert.pem",
      keyFile: "key.pem",
      clientCaFile: undefined,
    });
    const env = { WINDBREAK_TLS_CERT: "c", WINDBREAK_TLS_KEY: "k", WINDBREAK_TLS_CLIENT_CA: "ca" };
    expect(settingsOf(serve({}, env)).tls).toEqual({ certFile: "c", keyFile: "k", clientCaFile: "ca" });
  });

  test.each<[Flags, string]>([
    [{ "tls-cert": "c" }, "--tls-cert: is of no use without --tls-key; give --tls-key too"],
    [{ "tls-key": "k" }, "--tls-key: is of no use without --tls-cert; give --tls-cert too"],
    [
      { "tls-client-ca": "a" },
      "--tls-client-ca: is of no use without --tls-cert and --tls-key; give --tls-cert and --tls-key too",
    ],
    [
      { ...TLS, ...UNIX },
      "--tls-cert: no listener is on TCP, and Unix sockets speak no TLS; leave it out, or give --listen IP:PORT",
    ],
    [{ ...TLS, "tls-client-ca": "" }, "--tls-client-ca: empty; name a file, or leave it out"],
  ])("is not half said: %o", (flags, fault) => {
    expect(faultsOf(serve(flags))).toEqual([fault]);
  });
});

describe("who may connect to a Unix socket", () => {
  it("is the service's own affair unless it is said", () => {
    expect(settingsOf(serve(UNIX)).socketAccess).toBeUndefined();
  });

  it("is said by a mode, a user and a group, by number or by name", () => {
    expect(settingsOf(serve({ ...UNIX, "socket-mode": "0600" })).socketAccess).toEqual({ mode: 0o600 });
    expect(settingsOf(serve({ ...UNIX, "socket-mode": "666" })).socketAccess).toEqual({ mode: 0o666 });
    expect(settingsOf(serve({ ...UNIX, "socket-group": "1234" })).socketAccess).toEqual({ mode: 0o660, gid: 1234 });
    const [name = "", , gid] = readFileSync("/etc/group", "utf8").split("\n")[0]?.split(":") ?? [];
    expect(settingsOf(serve({ ...UNIX, "socket-group": name })).socketAccess?.gid).toBe(Number(gid));
    expect(settingsOf(serve({ ...UNIX, "socket-owner": "1234" })).socketAccess).toEqual({ mode: 0o660, uid: 1234 });
    expect(settingsOf(serve({ ...UNIX, "socket-owner": "root" })).socketAccess?.uid).toBe(0);
  });

  test.each<[Flags, string]>([
    [{ ...UNIX, "socket-mode": "0400" }, "--socket-mode 0400: no mode of a socket; write 0600, 0660 or 0666"],
    [{ ...UNIX, "socket-mode": "0770" }, "--socket-mode 0770: no mode of a socket; write 0600, 0660 or 0666"],
    [{ ...UNIX, "socket-mode": "rw" }, "--socket-mode rw: no mode of a socket; write 0600, 0660 or 0666"],
    [
      { "socket-mode": "0600" },
      "--socket-mode: no listener is a Unix socket; leave it out, or give --listen unix:PATH",
    ],
    [
      { ...UNIX, "socket-group": "no such group" },
      "--socket-group no such group: no group of /etc/group; name one that is there, or give its number",
    ],
    [
      { ...UNIX, "socket-owner": "no such user" },
      "--socket-owner no such user: no user of /etc/passwd; name one that is there, or give its number",
    ],
    [
      { ...UNIX, "listen-envoy": ["unix:b"], "socket-mode": "0666" },
      "--socket-mode 0666: whoever connects to Envoy's socket could have calls sent with your Mistral keys; give 0660 or less",
    ],
  ])("is refused where it makes no sense or lets anyone at Envoy's: %o", (flags, fault) => {
    expect(faultsOf(serve(flags))).toEqual([fault]);
  });
});

describe("the admin port", () => {
  test.each(["127.0.0.1:1", "localhost:1", "[::1]:1", "unix:a"])("needs no token on %s", (admin) => {
    expect(settingsOf(serve({ admin })).adminTokenFile).toBeUndefined();
  });

  test.each(["0.0.0.0:1", "10.0.0.1:1", "[::]:1"])("on %s needs one", (admin) => {
    expect(faultsOf(serve({ admin }))).toEqual([
      `--admin ${admin}: whoever reaches this address could read every limit and release reservations; listen on loopback or a Unix socket, or give --admin-token-file FILE`,
    ]);
    expect(settingsOf(serve({ admin, "admin-token-file": "token" })).adminTokenFile).toBe("token");
  });
});

describe("reaching a server by TLS", () => {
  it("takes an authority, and what is shown to the server", () => {
    expect(settingsOf(ask({})).tls).toBeUndefined();
    expect(settingsOf(ask({ "tls-ca": "ca" })).tls).toEqual({ caFile: "ca" });
    expect(settingsOf(ask({ "tls-ca": "ca", ...TLS, "tls-server-name": "windbreak" })).tls).toEqual({
      caFile: "ca",
      shown: { certFile: "cert.pem", keyFile: "key.pem" },
      serverName: "windbreak",
    });
  });

  test.each<[Flags, string]>([
    [TLS, "--tls-cert: is of no use without --tls-ca; give --tls-ca FILE, who signs the server's certificate"],
    [{ "tls-ca": "a", "tls-cert": "c" }, "--tls-cert: is of no use without --tls-key; give --tls-key too"],
    [{ "tls-ca": "a", "tls-key": "k" }, "--tls-key: is of no use without --tls-cert; give --tls-cert too"],
    [{ "tls-ca": "a", server: "unix:b" }, "--tls-ca: unix:b speaks no TLS; leave it out for a Unix socket"],
  ])("is not half said: %o", (flags, fault) => {
    expect(faultsOf(ask(flags))).toEqual([fault]);
  });

  it("is not tried because of variables that are there for serve", () => {
    const env = { WINDBREAK_TLS_CERT: "c", WINDBREAK_TLS_KEY: "k" };
    expect(settingsOf(ask({}, env)).tls).toBeUndefined();
    expect(settingsOf(ask({ server: "unix:a" }, { ...env, WINDBREAK_TLS_CA: "a" })).tls).toBeUndefined();
  });
});
