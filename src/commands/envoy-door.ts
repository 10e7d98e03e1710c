import { readFileSync } from "node:fs";
import type { Server } from "@grpc/grpc-js";
import type { Desk } from "../app/desk.js";
import { HealthService } from "../gen/grpc/health/v1/health.js";
import { declaredIdentity } from "../identity/declared.js";
import { envoyIdentity } from "../identity/envoy.js";
import type { UpstreamKeys } from "../keys/upstream-keys.js";
import type { EnvoySettings, MutualTls } from "../settings/envoy-given.js";
import type { IdentitySetting } from "../settings.js";
import type { Log } from "../telemetry/log.js";
import type { ServiceOptions } from "../transport/abandon.js";
import { formatFault } from "../transport/address.js";
import { ENVOY_SERVICES, envoyHandlers, MAX_ENVOY_BYTES } from "../transport/envoy/envoy-services.js";
import { Health } from "../transport/health.js";
import type { Listener, MakeServer } from "../transport/listeners.js";
import { mutualTls } from "../transport/mutual-tls.js";
import { createServer, listen } from "../transport/server.js";

const SERVED = ["envoy.service.auth.v3.Authorization", "envoy.service.ext_proc.v3.ExternalProcessor"];

export interface EnvoyDoorOptions extends ServiceOptions {
  readonly settings: EnvoySettings;
  readonly identity: IdentitySetting;
  readonly upstreamKeys: UpstreamKeys;
  readonly log: Log;
}

/** Where Envoy asks: a server of its own, because upstream keys leave by it and by no other. */
export class EnvoyDoor {
  readonly server: Server = createServer({ maxReceiveBytes: MAX_ENVOY_BYTES });
  readonly health: Health;
  readonly #settings: EnvoySettings;
  readonly #log: Log;
  #listeners: readonly Listener[] = [];

  constructor({ settings, identity, upstreamKeys, log, ...options }: EnvoyDoorOptions) {
    this.#settings = settings;
    this.#log = log;
    this.health = new Health(SERVED, options.draining);
    const handlers = envoyHandlers({
      ...options,
      desk: trusting(options.desk),
      identity: envoyIdentity(identity.kind === "fixed" ? identity.id : undefined),
      upstreamKey: (workspace) => upstreamKeys.keyOf(workspace),
    });
    for (const service of ENVOY_SERVICES) this.server.addService(service, handlers);
    this.server.addService(HealthService, this.health.handlers);
  }

  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  /** @returns a line for each address or file that cannot be had; then nothing listens. */
  async bind(): Promise<readonly string[]> {
    const { listen: addresses, mutualTls: tls } = this.#settings;
    const onTcp = tls && this.#secured(tls);
    if (onTcp?.kind === "faulty") return [onTcp.fault];
    const bound = await listen(this.server, { addresses, ...(onTcp ? { onTcp: onTcp.make } : {}) });
    if (bound.kind === "refused") return bound.faults.map(formatFault);
    this.#listeners = bound.listeners;
    return [];
  }

  #secured(tls: MutualTls): { kind: "made"; make: MakeServer } | { kind: "faulty"; fault: string } {
    const { certFile, keyFile, clientCaFile, peers } = tls;
    try {
      const certificates = {
        cert: readFileSync(certFile),
        key: readFileSync(keyFile),
        clientCa: readFileSync(clientCaFile),
      };
      const refused = (why: string) => this.#log.warn(`a connection to Envoy's door was refused: ${why}`);
      const make = mutualTls({ certificates, peers, refused });
      return { kind: "made", make };
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      const files = [certFile, keyFile, clientCaFile].join(", ");
      return {
        kind: "faulty",
        fault: `${files}: no certificates (${cause.message}); give PEM files that this process may read`,
      };
    }
  }
}

/** Whoever asks at this door was told apart before: by what Envoy proved, not by what a message says. */
function trusting(desk: Desk): Desk {
  return { ...desk, identity: declaredIdentity() };
}
