import { describe, expect, test } from "vitest";
import { doubtsIn } from "../../../src/settings/doubts.js";
import { type Environment, type Flags, formatSettingFault } from "../../../src/settings/given.js";
import { readServeSettings } from "../../../src/settings.js";

const FAR = "0.0.0.0:50051";
const TLS = { "tls-cert": "c", "tls-key": "k" };
const MUTUAL = { ...TLS, "tls-client-ca": "a" };

/** Everything that `serve` says of settings: why it refuses them, or what it doubts. */
function said(flags: Flags, env: Environment = {}): readonly [outcome: "refused" | "served", lines: readonly string[]] {
  const read = readServeSettings({ flags: { policy: "policy.yaml", ...flags }, env, isTerminal: false });
  if (read.kind === "faulty") return ["refused", read.faults.map(formatSettingFault)];
  return ["served", doubtsIn(read.settings)];
}

describe("what strangers could use is refused, with what makes it safe", () => {
  test.each<[string, Flags, string]>([
    [
      "declared callers of other machines",
      { listen: [FAR] },
      `--listen ${FAR}: whoever reaches this address could claim to be any principal; listen on a Unix socket or loopback, give --identity credential or fixed:ID, or accept it by --insecure-declared-identity`,
    ],
    [
      "declared callers of other machines, though each shows a certificate",
      { listen: [FAR], ...MUTUAL },
      `--listen ${FAR}: whoever reaches this address could claim to be any principal; listen on a Unix socket or loopback, give --identity credential or fixed:ID, or accept it by --insecure-declared-identity`,
    ],
    [
      "keys and tokens of callers in plain text",
      { listen: [FAR], identity: "credential" },
      `--listen ${FAR}: whoever is on the way could read the keys and tokens that callers send in plain text; give --tls-cert and --tls-key, or listen on a Unix socket or loopback`,
    ],
    [
      "Envoy on TCP, loopback too, without TLS on both sides and the name of its certificate",
      { "listen-envoy": ["127.0.0.1:1"], ...TLS },
      "--listen-envoy 127.0.0.1:1: whoever reaches this port could have calls sent with your Mistral keys; give --tls-client-ca, --envoy-peer too, so that only Envoy can connect; or listen on a Unix socket",
    ],
    [
      "a socket for Envoy that everybody on the machine may open",
      { "listen-envoy": ["unix:e"], "socket-mode": "0666" },
      "--socket-mode 0666: whoever connects to Envoy's socket could have calls sent with your Mistral keys; give 0660 or less",
    ],
    [
      "an admin port for other machines without a token",
      { admin: "0.0.0.0:9090" },
      "--admin 0.0.0.0:9090: whoever reaches this address could read every limit and release reservations; listen on loopback or a Unix socket, or give --admin-token-file FILE",
    ],
    [
      "certificates of callers that are asked for without TLS",
      { "tls-client-ca": "a" },
      "--tls-client-ca: is of no use without --tls-cert and --tls-key; give --tls-cert and --tls-key too",
    ],
    [
      "a guard that stands nowhere",
      { "envoy-peer": ["spiffe://a/b"] },
      "--envoy-peer: no listener for Envoy is on TCP; leave it out, or give --listen-envoy IP:PORT",
    ],
    [
      "a password of Redis where every process can read it",
      { redis: "redis://:hunter2@cache" },
      "--redis: holds a password, which everyone on this machine can read in the list of processes; set WINDBREAK_REDIS, or put the URL into a file and give --redis-file",
    ],
  ])("%s", (_, flags, fault) => {
    expect(said(flags)).toEqual(["refused", [fault]]);
  });
});

describe("what may be meant is served, with a line that says what it means", () => {
  test.each<[string, Flags, Environment, string]>([
    [
      "declared callers of other machines, accepted",
      { listen: [FAR], "insecure-declared-identity": true },
      {},
      "callers are taken at their word (--insecure-declared-identity): whoever reaches a listener can name anyone; give --identity credential",
    ],
    [
      "a fixed principal that other machines reach",
      { listen: [FAR], identity: "fixed:robot", ...TLS },
      {},
      `--listen ${FAR}: whoever reaches it is robot (--identity fixed); give --tls-client-ca, or listen on a Unix socket or loopback`,
    ],
    [
      "a socket that everybody on the machine may open, declared",
      { listen: ["unix:a"], "socket-mode": "0666" },
      {},
      "--socket-mode: every user of this machine may connect, and is then taken at its word; give 0660 and --socket-group, or --identity credential",
    ],
    [
      "a socket that everybody on the machine may open, fixed",
      { listen: ["unix:a"], "socket-mode": "0666", identity: "fixed:robot" },
      {},
      "--socket-mode: every user of this machine may connect, and is then robot; give 0660 and --socket-group, or --identity credential",
    ],
    [
      "an admin token that crosses the network",
      { admin: "0.0.0.0:9090", "admin-token-file": "t" },
      {},
      "--admin 0.0.0.0:9090: the admin token crosses the network in plain text; put what encrypts in front of it, or listen on loopback or a Unix socket",
    ],
    [
      "a password of Redis that crosses the network",
      {},
      { WINDBREAK_REDIS: "redis://:hunter2@cache" },
      "--redis: its password and the counters cross the network to cache in plain text, and who is on the way can change them; write rediss://",
    ],
    [
      "decisions and a collector's credential that cross the network",
      { "decision-log": "otlp" },
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" },
      "http://collector:4318: what is exported there and OTEL_EXPORTER_OTLP_HEADERS cross the network in plain text; write https://",
    ],
    [
      "counters that cross the network",
      { redis: "redis+sentinel://127.0.0.1,10.0.0.1/main" },
      {},
      "--redis: the counters cross the network to 10.0.0.1 in plain text, and who is on the way can change them; write rediss://",
    ],
  ])("%s", (_, flags, env, line) => {
    expect(said(flags, env)).toEqual(["served", [line]]);
  });
});

test.each<[string, Flags]>([
  ["nothing but a policy", {}],
  ["declared callers on loopback and a Unix socket", { listen: ["localhost:1", "[::1]:1", "unix:a"] }],
  ["callers that prove who they are, by TLS", { listen: [FAR], identity: "credential", ...TLS }],
  [
    "callers that prove who they are, on a socket for all",
    { listen: ["unix:a"], "socket-mode": "0666", identity: "credential" },
  ],
  ["a fixed principal for whom an authority vouches", { listen: [FAR], identity: "fixed:robot", ...MUTUAL }],
  ["Envoy with TLS on both sides", { "listen-envoy": [FAR], "envoy-peer": ["spiffe://a/b"], ...MUTUAL }],
  ["Redis on this machine", { redis: "redis://localhost" }],
  ["Redis by TLS", { redis: "rediss://cache" }],
])("nothing is said of %s", (_, flags) => {
  expect(said(flags)).toEqual(["served", []]);
});
