import { describe, expect, test } from "vitest";
import { type Environment, type Flags, formatSettingFault, type SettingsRead } from "../../../src/settings/given.js";
import { type AskSettings, readAskSettings, readServeSettings, type ServeSettings } from "../../../src/settings.js";

const POLICY = { policy: "policy.yaml" };

function serve(flags: Flags, env: Environment = {}, isTerminal = false): SettingsRead<ServeSettings> {
  return readServeSettings({ flags, env, isTerminal });
}

function settingsOf<T>(read: SettingsRead<T>): T {
  if (read.kind === "read") return read.settings;
  throw new Error(read.faults.map(formatSettingFault).join("\n"));
}

function faultsOf<T>(read: SettingsRead<T>): readonly string[] {
  return read.kind === "faulty" ? read.faults.map(formatSettingFault) : [];
}

describe("settings of serve", () => {
  test("take counts from one to a million, and name what is none", () => {
    const counted = settingsOf(serve({ ...POLICY, "max-connections": "1", "max-calls": "1000000" }));
    expect(counted).toMatchObject({ maxConnections: 1, maxCalls: 1_000_000 });
    for (const text of ["0", "1000001", "-1", "1e3", "many"]) {
      expect(faultsOf(serve({ ...POLICY, "max-calls": text }))).toEqual([
        `--max-calls ${text}: no count; give a number from 1 to 1000000`,
      ]);
    }
  });

  test("need no more than a policy", () => {
    expect(settingsOf(serve(POLICY))).toEqual({
      policyFile: "policy.yaml",
      listen: [{ kind: "tcp", host: "127.0.0.1", port: 50_051 }],
      admin: { kind: "tcp", host: "127.0.0.1", port: 9090 },
      adminIsDefault: true,
      identity: { kind: "declared" },
      declaredIsExposed: false,
      storeTimeoutMs: 50,
      maxConnections: 10_000,
      maxCalls: 8_192,
      drainGraceMs: 30_000,
      drainDelayMs: 0,
      log: { format: "json", level: "info" },
    });
  });

  test("are frozen all through", () => {
    const settings = settingsOf(serve(POLICY));
    expect([settings, settings.listen, settings.identity, settings.log].map(Object.isFrozen)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  test("come from flags", () => {
    const flags = {
      ...POLICY,
      listen: ["unix:/run/windbreak.sock", "[::1]:6000"],
      admin: "localhost:7000",
      identity: "fixed:search-service",
      "store-timeout": "20ms",
      "drain-grace": "1m30s",
      "drain-delay": "2s",
      "log-format": "text",
      "log-level": "debug",
    };
    expect(settingsOf(serve(flags))).toMatchObject({
      listen: [
        { kind: "unix", path: "/run/windbreak.sock" },
        { kind: "tcp", host: "::1", port: 6000 },
      ],
      admin: { kind: "tcp", host: "localhost", port: 7000 },
      adminIsDefault: false,
      identity: { kind: "fixed", id: "search-service" },
      storeTimeoutMs: 20,
      maxConnections: 10_000,
      maxCalls: 8_192,
      drainGraceMs: 90_000,
      drainDelayMs: 2_000,
      log: { format: "text", level: "debug" },
    });
  });

  test("come from variables, lists by commas", () => {
    const env = {
      WINDBREAK_POLICY: "policy.yaml",
      WINDBREAK_LISTEN: "127.0.0.1:6000, unix:/run/windbreak.sock,",
      WINDBREAK_ADMIN: "off",
      WINDBREAK_IDENTITY: "fixed:search-service",
      WINDBREAK_STORE_TIMEOUT: "20ms",
      WINDBREAK_DRAIN_GRACE: "10s",
      WINDBREAK_DRAIN_DELAY: "5s",
      WINDBREAK_LOG_FORMAT: "text",
      WINDBREAK_LOG_LEVEL: "warn",
    };
    expect(settingsOf(serve({}, env))).toMatchObject({
      policyFile: "policy.yaml",
      listen: [
        { kind: "tcp", host: "127.0.0.1", port: 6000 },
        { kind: "unix", path: "/run/windbreak.sock" },
      ],
      admin: undefined,
      adminIsDefault: false,
      identity: { kind: "fixed", id: "search-service" },
      storeTimeoutMs: 20,
      maxConnections: 10_000,
      maxCalls: 8_192,
      drainGraceMs: 10_000,
      drainDelayMs: 5_000,
      log: { format: "text", level: "warn" },
    });
  });

  test("prefer a flag to its variable, whole lists too", () => {
    const env = { WINDBREAK_POLICY: "other.yaml", WINDBREAK_LISTEN: "127.0.0.1:1,127.0.0.1:2", WINDBREAK_ADMIN: "off" };
    const flags = { ...POLICY, listen: ["127.0.0.1:3"], admin: "127.0.0.1:4" };
    const settings = settingsOf(serve(flags, env));
    expect(settings.policyFile).toBe("policy.yaml");
    expect(settings.listen).toEqual([{ kind: "tcp", host: "127.0.0.1", port: 3 }]);
    expect(settings.admin).toEqual({ kind: "tcp", host: "127.0.0.1", port: 4 });
  });

  test("take an empty variable for none", () => {
    const env = { WINDBREAK_POLICY: " ", WINDBREAK_ADMIN: "", WINDBREAK_REDIS: "" };
    expect(faultsOf(serve({}, env))).toEqual(["--policy: missing; give --policy FILE, or set WINDBREAK_POLICY"]);
    expect(settingsOf(serve(POLICY, env)).adminIsDefault).toBe(true);
  });

  test("do not mind the variables that Kubernetes sets for a service called windbreak", () => {
    const env = {
      WINDBREAK_PORT: "tcp://10.0.0.1:50051",
      WINDBREAK_SERVICE_HOST: "10.0.0.1",
      WINDBREAK_PORT_50051_TCP_ADDR: "10.0.0.1",
      WINDBREAK_ADMIN_PORT: "tcp://10.0.0.1:9090",
      WINDBREAK_REDIS_SERVICE_HOST: "10.0.0.2",
    };
    expect(faultsOf(serve(POLICY, env))).toEqual([]);
  });

  test("an empty policy is none", () => {
    expect(faultsOf(serve({ policy: "" }))).toEqual(["--policy: missing; give --policy FILE, or set WINDBREAK_POLICY"]);
  });

  test("write the log as text where a person watches it, unless told otherwise", () => {
    expect(settingsOf(serve(POLICY, {}, true)).log.format).toBe("text");
    expect(settingsOf(serve({ ...POLICY, "log-format": "json" }, {}, true)).log.format).toBe("json");
  });
});

describe("faults of serve's settings", () => {
  test("are told all at once, each with its place and a remedy", () => {
    const flags = { listen: ["nowhere"], identity: "guessed", "store-timeout": "soon", "log-format": "xml" };
    const env = { WINDBREAK_ADMIN: "host:1", WINDBREAK_DRAIN_GRACE: "1", WINDBREAK_LOG_LEVEL: "loud" };
    expect(faultsOf(serve(flags, env))).toEqual([
      "--policy: missing; give --policy FILE, or set WINDBREAK_POLICY",
      "--listen nowhere: no address to listen on; write 127.0.0.1:50051, [::1]:50051 or unix:/run/windbreak.sock",
      expect.stringMatching(/^WINDBREAK_ADMIN host:1: "host" is no address to bind; give /),
      "--identity guessed: no way to tell who asks; give declared, credential, or fixed:ID with the id of a principal that the policy lists",
      "--store-timeout soon: no duration; write it as 50ms, 2s, 15m or 1h30m",
      "WINDBREAK_DRAIN_GRACE 1: no duration; write it as 50ms, 2s, 15m or 1h30m",
      "--log-format xml: no choice; choose json, text",
      "WINDBREAK_LOG_LEVEL loud: no choice; choose debug, info, warn, error",
    ]);
  });

  test("rotation needs a keys file, and a place that outlives a restart", () => {
    expect(faultsOf(serve({ ...POLICY, rotate: "0 3 * * *" }))).toEqual([
      "--rotate: which keys are meant is not known; give --keys FILE too",
      "--rotate: a restart in mid-rotation would leave keys that nobody knows of; give --state DIR, or --redis where there are several replicas",
    ]);
    const asked = { ...POLICY, rotate: "0 3 * * *", keys: "keys.yaml" };
    for (const place of [{ state: "/state" }, { redis: "redis://host" }]) {
      expect(serve({ ...asked, ...place })).toMatchObject({
        kind: "read",
        settings: { rotation: { cron: "0 3 * * *", keysFile: "keys.yaml" } },
      });
    }
  });

  test("an identity that is fixed to nobody is none", () => {
    expect(faultsOf(serve({ ...POLICY, identity: "fixed:" }))).toHaveLength(1);
  });

  test.each([
    ["two flags", { listen: ["127.0.0.1:1", "127.0.0.1:1"] }, {}, "--listen 127.0.0.1:1: given twice; give it once"],
    [
      "two paths to one socket",
      { listen: ["unix:a/../b", "unix:b"] },
      {},
      "--listen unix:b: given twice; give it once",
    ],
    ["a variable", {}, { WINDBREAK_LISTEN: "[::1]:1,[::1]:1" }, "WINDBREAK_LISTEN [::1]:1: given twice; give it once"],
    [
      "listeners and the admin port",
      { listen: ["127.0.0.1:1"], admin: "127.0.0.1:1" },
      {},
      "--admin 127.0.0.1:1: also given by --listen; give it once",
    ],
  ])("an address given twice, by %s, is a fault", (_, flags, env, fault) => {
    expect(faultsOf(serve({ ...POLICY, ...flags }, env))).toEqual([fault]);
  });

  test("the default admin port gives way to a listener in its place", () => {
    expect(faultsOf(serve({ ...POLICY, listen: ["127.0.0.1:9090"] }))).toEqual([]);
  });

  test.each([
    ["store-timeout", "0ms", "not from 1ms to 24h"],
    ["store-timeout", "25h", "not from 1ms to 24h"],
    ["drain-grace", "1441m", "not from 0ms to 24h"],
    ["drain-delay", "-1s", "no duration"],
  ])("--%s %s is refused", (flag, text, what) => {
    const faults = faultsOf(serve({ ...POLICY, [flag]: text }));
    expect(faults).toEqual([`--${flag} ${text}: ${what}; write it as 50ms, 2s, 15m or 1h30m`]);
  });

  test("show what a terminal could act on as escapes", () => {
    const [fault] = faultsOf(serve({ ...POLICY, "log-level": "\u001b[31mred\nnext" }));
    expect(fault).toBe("--log-level \\u{1b}[31mred\\u{a}next: no choice; choose debug, info, warn, error");
  });
});

describe("declared identity", () => {
  const remedy =
    "whoever reaches this address could claim to be any principal; listen on a Unix socket or loopback, give --identity credential or fixed:ID, or accept it by --insecure-declared-identity";

  test.each(["unix:/run/windbreak.sock", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])(
    "is taken on %s",
    (address) => {
      const settings = settingsOf(serve({ ...POLICY, listen: [address] }));
      expect(settings.declaredIsExposed).toBe(false);
    },
  );

  test.each(["0.0.0.0:1", "[::]:1", "10.0.0.7:1", "192.168.1.4:1"])(
    "is refused on %s, with a way to be safe",
    (address) => {
      expect(faultsOf(serve({ ...POLICY, listen: ["127.0.0.1:1", address] }))).toEqual([
        `--listen ${address}: ${remedy}`,
      ]);
      expect(faultsOf(serve({ ...POLICY, identity: "declared" }, { WINDBREAK_LISTEN: address }))).toEqual([
        `WINDBREAK_LISTEN ${address}: ${remedy}`,
      ]);
    },
  );

  test("is refused once for each such listener", () => {
    expect(faultsOf(serve({ ...POLICY, listen: ["0.0.0.0:1", "0.0.0.0:2"] }))).toHaveLength(2);
  });

  test.each([
    ["the flag", { "insecure-declared-identity": true }, {}],
    ["the variable", {}, { WINDBREAK_INSECURE_DECLARED_IDENTITY: "true" }],
    ["the variable as 1", {}, { WINDBREAK_INSECURE_DECLARED_IDENTITY: "1" }],
  ])("is exposed where %s accepts it", (_, flags, env) => {
    const settings = settingsOf(serve({ ...POLICY, listen: ["0.0.0.0:1"], ...flags }, env));
    expect(settings.declaredIsExposed).toBe(true);
  });

  test.each(["false", "0"])("is not accepted by a variable that says %s", (text) => {
    const env = { WINDBREAK_INSECURE_DECLARED_IDENTITY: text };
    expect(faultsOf(serve({ ...POLICY, listen: ["0.0.0.0:1"] }, env))).toEqual([`--listen 0.0.0.0:1: ${remedy}`]);
  });

  test("needs a plain word in its variable", () => {
    const env = { WINDBREAK_INSECURE_DECLARED_IDENTITY: "maybe" };
    expect(faultsOf(serve(POLICY, env))).toEqual([
      "WINDBREAK_INSECURE_DECLARED_IDENTITY maybe: no choice; choose true, false, 1, 0",
    ]);
  });

  test("is no matter where the identity is fixed", () => {
    const settings = settingsOf(serve({ ...POLICY, listen: ["0.0.0.0:1"], identity: "fixed:ada" }));
    expect(settings.declaredIsExposed).toBe(false);
  });
});

describe("settings of the commands that ask", () => {
  const ask = (flags: Flags, env: Environment = {}): SettingsRead<AskSettings> => readAskSettings({ flags, env });

  test("find a server beside the caller", () => {
    expect(settingsOf(ask({}))).toEqual({
      server: { kind: "tcp", host: "127.0.0.1", port: 50_051 },
      adminServer: { kind: "tcp", host: "127.0.0.1", port: 9090 },
      timeoutMs: 2_000,
    });
  });

  test("come from variables, unless a flag says otherwise", () => {
    const env = { WINDBREAK_SERVER: "unix:/a", WINDBREAK_ADMIN_SERVER: "unix:/b", WINDBREAK_TIMEOUT: "1s" };
    expect(settingsOf(ask({ server: "unix:/c" }, env))).toEqual({
      server: { kind: "unix", path: "/c" },
      adminServer: { kind: "unix", path: "/b" },
      timeoutMs: 1_000,
    });
  });

  test.each([
    ["windbreak.prod.svc.cluster.local:50051", { kind: "tcp", host: "windbreak.prod.svc.cluster.local", port: 50_051 }],
    ["windbreak:1", { kind: "tcp", host: "windbreak", port: 1 }],
    ["[::1]:65535", { kind: "tcp", host: "::1", port: 65_535 }],
    ["unix:wb.sock", { kind: "unix", path: "wb.sock" }],
  ])("take %s for a server", (server, address) => {
    expect(settingsOf(ask({ server })).server).toEqual(address);
  });

  test.each([
    "windbreak",
    ":50051",
    "127.0.0.1:0",
    "host:65536",
    "host:",
    "ho st:1",
    "http://host:1",
    "unix:",
    "-h:1",
    "::1:1",
  ])("do not take %s for a server", (server) => {
    expect(faultsOf(ask({ server }))).toEqual([
      `--server ${server}: no address of a server; write it as 127.0.0.1:50051, HOST:PORT or unix:/run/windbreak.sock`,
    ]);
  });

  test("tell all faults at once", () => {
    expect(faultsOf(ask({ server: "a", "admin-server": "b", timeout: "0s" }))).toHaveLength(3);
  });
});

describe("callers that prove who they are", () => {
  const credential = { ...POLICY, identity: "credential" };

  test.each(["unix:/run/windbreak.sock", "127.0.0.1:1", "[::1]:1", "localhost:1"])("may do so on %s", (address) => {
    const settings = settingsOf(serve({ ...credential, listen: [address] }));
    expect(settings).toMatchObject({ identity: { kind: "credential" }, declaredIsExposed: false });
    expect(Object.isFrozen(settings.identity)).toBe(true);
  });

  test("send no key in plain text to where other machines can listen", () => {
    const faults = faultsOf(serve({ ...credential, listen: ["127.0.0.1:1", "0.0.0.0:1", "10.0.0.7:1"] }));
    const remedy = "give --tls-cert and --tls-key, or listen on a Unix socket or loopback";
    const what = "whoever is on the way could read the keys and tokens that callers send in plain text";
    expect(faults).toEqual([`--listen 0.0.0.0:1: ${what}; ${remedy}`, `--listen 10.0.0.7:1: ${what}; ${remedy}`]);
  });

  test.each([
    ["flags", { "tls-cert": "c", "tls-key": "k" }, {}],
    ["variables", {}, { WINDBREAK_TLS_CERT: "c", WINDBREAK_TLS_KEY: "k" }],
  ])("do so on any address with TLS, by %s", (_, flags, env) => {
    expect(faultsOf(serve({ ...credential, listen: ["0.0.0.0:1"], ...flags }, env))).toEqual([]);
  });
});

describe("what commands show to a server", () => {
  const ask = (flags: Flags) => readAskSettings({ flags: { "credential-file": "key", ...flags }, env: {} });

  test.each([
    ["on this machine", {}],
    ["over a Unix socket", { server: "unix:/run/windbreak.sock" }],
    ["by TLS", { server: "windbreak.example:50051", "tls-ca": "ca.pem" }],
  ])("is read from a file for one %s", (_, flags) => {
    expect(settingsOf(ask(flags)).credentialFile).toBe("key");
  });

  test("is not sent in plain text to another machine", () => {
    expect(faultsOf(ask({ server: "windbreak.example:50051" }))).toEqual([
      "--credential-file: whoever is on the way to windbreak.example:50051 could read it; ask by TLS (--tls-ca), a Unix socket or loopback",
    ]);
  });
});
