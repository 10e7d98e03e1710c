import { describe, expect, it, test } from "vitest";
import { type Environment, type Flags, formatSettingFault } from "../../../src/settings/given.js";
import { readServeSettings } from "../../../src/settings.js";

const PROOF = {
  "tls-cert": "cert.pem",
  "tls-key": "key.pem",
  "tls-client-ca": "ca.pem",
  "envoy-peer": ["spiffe://acme/ns/egress/sa/envoy"],
};

function read(flags: Flags, env: Environment = {}) {
  return readServeSettings({ flags: { policy: "policy.yaml", ...flags }, env, isTerminal: false });
}

function envoyOf(flags: Flags, env: Environment = {}) {
  const result = read(flags, env);
  if (result.kind === "faulty") throw new Error(result.faults.map(formatSettingFault).join("\n"));
  return result.settings.envoy;
}

function faultsOf(flags: Flags, env: Environment = {}): readonly string[] {
  const result = read(flags, env);
  return result.kind === "faulty" ? result.faults.map(formatSettingFault) : [];
}

describe("where Envoy asks", () => {
  it("is nowhere unless it is said", () => {
    expect(envoyOf({})).toBeUndefined();
  });

  it("is a Unix socket, which needs no more", () => {
    expect(envoyOf({ "listen-envoy": ["unix:/run/windbreak/envoy.sock"] })).toEqual({
      listen: [{ kind: "unix", path: "/run/windbreak/envoy.sock" }],
      peers: [],
    });
  });

  it("is a port, with TLS on both sides", () => {
    expect(envoyOf({ "listen-envoy": ["0.0.0.0:50052"], ...PROOF })).toEqual({
      listen: [{ kind: "tcp", host: "0.0.0.0", port: 50_052 }],
      peers: ["spiffe://acme/ns/egress/sa/envoy"],
    });
  });

  it("is read from variables, lists by commas", () => {
    const env = {
      WINDBREAK_LISTEN_ENVOY: "unix:a, 127.0.0.1:2",
      WINDBREAK_TLS_CERT: "c",
      WINDBREAK_TLS_KEY: "k",
      WINDBREAK_TLS_CLIENT_CA: "a",
      WINDBREAK_ENVOY_PEER: "spiffe://acme/a,spiffe://acme/b",
    };
    expect(envoyOf({}, env)).toMatchObject({
      listen: [{ path: "a" }, { port: 2 }],
      peers: ["spiffe://acme/a", "spiffe://acme/b"],
    });
  });
});

describe("an unsafe door for Envoy", () => {
  test.each([
    [{}, "--tls-cert, --tls-key, --tls-client-ca, --envoy-peer"],
    [{ "tls-cert": "c", "tls-key": "k" }, "--tls-client-ca, --envoy-peer"],
    [{ ...PROOF, "envoy-peer": [] }, "--envoy-peer"],
  ])("on TCP is refused, and told what it lacks: %o", (given, missing) => {
    expect(faultsOf({ "listen-envoy": ["127.0.0.1:50052"], ...given })).toEqual([
      `--listen-envoy 127.0.0.1:50052: whoever reaches this port could have calls sent with your Mistral keys; give ${missing} too, so that only Envoy can connect; or listen on a Unix socket`,
    ]);
  });

  test("takes no peer that is no SPIFFE id", () => {
    const faults = faultsOf({ "listen-envoy": ["127.0.0.1:1"], ...PROOF, "envoy-peer": ["envoy"] });
    expect(faults).toEqual([
      "--envoy-peer envoy: no SPIFFE id; write the URI in Envoy's certificate, such as spiffe://acme/ns/egress/sa/envoy",
    ]);
  });

  test("is not thought safe by flags that protect nothing", () => {
    expect(faultsOf({ "envoy-peer": ["spiffe://acme/a"], "listen-envoy": ["unix:a"] })).toEqual([
      "--envoy-peer: no listener for Envoy is on TCP; leave it out, or give --listen-envoy IP:PORT",
    ]);
  });

  test("may not be where callers are served", () => {
    expect(faultsOf({ listen: ["unix:a"], "listen-envoy": ["unix:a"] })).toEqual([
      "--listen-envoy unix:a: also given by --listen; give it once",
    ]);
  });
});
