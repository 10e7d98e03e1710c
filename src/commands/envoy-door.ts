import type { Server } from "@grpc/grpc-js";
import type { Desk } from "../app/desk.js";
import { HealthService } from "../gen/grpc/health/v1/health.js";
import { declaredIdentity } from "../identity/declared.js";
import { envoyIdentity } from "../identity/envoy.js";
import type { KeyNotes } from "../keys/key-notes.js";
import type { UpstreamKeys } from "../keys/upstream-keys.js";
import type { EnvoySettings } from "../settings/envoy-given.js";
import type { IdentitySetting } from "../settings.js";
import type { ServiceOptions } from "../transport/abandon.js";
import { formatFault, type SocketAccess } from "../transport/address.js";
import type { Bounds } from "../transport/bounds.js";
import { ENVOY_SERVICES, envoyHandlers, MAX_ENVOY_BYTES } from "../transport/envoy/envoy-services.js";
import { Health } from "../transport/health.js";
import type { Listener } from "../transport/listeners.js";
import { createServer, listen } from "../transport/server.js";
import type { TlsInUse } from "./tls-in-use.js";

const SERVED = ["envoy.service.auth.v3.Authorization", "envoy.service.ext_proc.v3.ExternalProcessor"];

/** Of a connection, a second. Envoy 1.40 resets the stream of each call that it let us watch, once all is answered. */
const MOST_RESETS = 10_000;

export interface EnvoyDoorOptions extends ServiceOptions {
  readonly settings: EnvoySettings;
  readonly identity: IdentitySetting;
  readonly upstreamKeys: UpstreamKeys;
  readonly keyNotes: KeyNotes;
  /** Needed where a listener is on TCP. */
  readonly tls: TlsInUse | undefined;
  /** Of Unix sockets. */
  readonly access: SocketAccess | undefined;
  readonly bounds: Bounds;
}

/** Where Envoy asks: a server of its own, because upstream keys leave by it and by no other. */
export class EnvoyDoor {
  readonly server: Server = createServer({ maxReceiveBytes: MAX_ENVOY_BYTES });
  readonly health: Health;
  readonly #settings: EnvoySettings;
  readonly #tls: TlsInUse | undefined;
  readonly #access: SocketAccess | undefined;
  readonly #bounds: Bounds;
  #listeners: readonly Listener[] = [];

  constructor({ settings, identity, upstreamKeys, keyNotes, tls, access, bounds, ...options }: EnvoyDoorOptions) {
    this.#settings = settings;
    this.#tls = tls;
    this.#access = access;
    this.#bounds = bounds;
    this.health = new Health(SERVED, options.draining);
    const handlers = envoyHandlers({
      ...options,
      desk: trusting(options.desk),
      identity: envoyIdentity(identity.kind === "fixed" ? identity.id : undefined, keyNotes.caller),
      upstreamKey: (workspace) => {
        const fingerprint = upstreamKeys.fingerprintOf(workspace);
        if (fingerprint !== undefined) keyNotes.upstream(workspace, fingerprint);
        return upstreamKeys.keyOf(workspace);
      },
    });
    for (const service of ENVOY_SERVICES) this.server.addService(service, handlers);
    this.server.addService(HealthService, this.health.handlers);
  }

  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  /** @returns a line for each address that cannot be had; then nothing listens. */
  async bind(): Promise<readonly string[]> {
    const { listen: addresses, peers } = this.#settings;
    if (!this.#tls && addresses.some(({ kind }) => kind === "tcp")) {
      throw new Error("a door for Envoy on TCP without TLS would hand keys to anybody");
    }
    const [gate, access, bounds] = [this.#tls?.gate(peers), this.#access, this.#bounds];
    const bound = await listen(this.server, { addresses, gate, access, bounds, mostResets: MOST_RESETS });
    if (bound.kind === "refused") return bound.faults.map(formatFault);
    this.#listeners = bound.listeners;
    return [];
  }
}

/** Whoever asks at this door was told apart before: by what Envoy proved, not by what a message says. */
function trusting(desk: Desk): Desk {
  return { ...desk, identity: declaredIdentity() };
}
