import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANSWERS } from "../mistral/answers.js";
import { ReplayServer } from "../mistral/replay-server.js";
import { endAfterwards } from "../redis/ending.js";
import type { Bootstrap } from "./bootstrap.js";
import { Authority, type Certificate } from "./certificates.js";
import { type Envoy, type EnvoyOptions, startEnvoy } from "./start-envoy.js";

/** The SPIFFE ids that deploy/envoy/gateway.yaml names, and a service that calls. */
export const IDS = {
  envoy: "spiffe://acme/ns/egress/sa/envoy",
  windbreak: "spiffe://acme/ns/windbreak/sa/default",
  service: "spiffe://acme/ns/search/sa/default",
} as const;

const MISTRAL = "api.mistral.ai:443";
const WINDBREAK = "windbreak:50052";

/** All that stands around an Envoy but Windbreak and Envoy itself. */
export interface Surroundings {
  readonly authority: Authority;
  readonly mistral: ReplayServer;
  /** Free for Windbreak's socket; short enough for one. */
  readonly socket: string;
  readonly certificates: Readonly<Record<"envoy" | "windbreak" | "gateway" | "service", Certificate>>;
}

/** Make the certificates and start the replaying Mistral. All goes after the test, or after the file. */
export async function surroundings({ mistralName = "DNS:api.mistral.ai", http2 = false } = {}): Promise<Surroundings> {
  const authority = await Authority.create();
  const [upstream, envoy, windbreak, gateway, service] = await Promise.all([
    authority.issue({ names: [mistralName] }),
    authority.issue({ names: [`URI:${IDS.envoy}`] }),
    authority.issue({ names: [`URI:${IDS.windbreak}`] }),
    authority.issue({ names: ["DNS:localhost", "IP:127.0.0.1"] }),
    authority.issue({ names: [`URI:${IDS.service}`] }),
  ]);
  const mistral = await ReplayServer.start({ answers: ANSWERS, tls: { ...upstream, http2 } });
  const directory = await mkdtemp(join(tmpdir(), "wb-"));
  endAfterwards(() => rm(directory, { recursive: true, force: true }));
  const certificates = { envoy, windbreak, gateway, service };
  return { authority, mistral, socket: join(directory, "envoy.sock"), certificates };
}

/** Where things are for a shipped bootstrap. `windbreak`: the path of its socket, or `host:port` behind the gateway. */
export function placed(bootstrap: Bootstrap, around: Surroundings, windbreak: string): Omit<EnvoyOptions, "version"> {
  const { authority, mistral, certificates } = around;
  const root = authority.root.files.certificate;
  const addresses = { [MISTRAL]: `127.0.0.1:${mistral.port}` };
  const files = { "/etc/ssl/certs/ca-certificates.crt": root };
  if (bootstrap === "sidecar") {
    return { bootstrap, addresses, files: { ...files, "/run/windbreak/envoy.sock": windbreak } };
  }
  return {
    bootstrap,
    addresses: { ...addresses, [WINDBREAK]: windbreak },
    files: {
      ...files,
      "/etc/envoy/tls/services-ca.crt": root,
      "/etc/envoy/tls/windbreak-ca.crt": root,
      "/etc/envoy/tls/gateway.crt": certificates.gateway.files.certificate,
      "/etc/envoy/tls/gateway.key": certificates.gateway.files.key,
      "/etc/envoy/tls/envoy.crt": certificates.envoy.files.certificate,
      "/etc/envoy/tls/envoy.key": certificates.envoy.files.key,
    },
  };
}

/** Start an Envoy among these. */
export function envoyAmong(
  around: Surroundings,
  { version, bootstrap, windbreak }: { version: string; bootstrap: Bootstrap; windbreak: string },
): Promise<Envoy> {
  return startEnvoy({ version, ...placed(bootstrap, around, windbreak) });
}
