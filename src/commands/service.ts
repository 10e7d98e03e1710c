import type { Server } from "@grpc/grpc-js";
import type { DecisionLog } from "../app/decision-log.js";
import type { Desk } from "../app/desk.js";
import type { KeyUses } from "../app/key-ports.js";
import type { PendingCall } from "../app/pending-usage.js";
import type { Clock } from "../app/ports.js";
import { recordPending } from "../app/record-usage.js";
import type { Snapshot } from "../app/snapshot.js";
import { SnapshotInForce } from "../app/snapshot-in-force.js";
import type { Tracing } from "../app/tracing.js";
import { inventRequestId } from "../counters/memory/ids.js";
import { secureRandom24 } from "../counters/memory/secure-random.js";
import { PendingQueue } from "../counters/pending/pending-queue.js";
import type { Door } from "../domain/distrust.js";
import type { EpochMs } from "../domain/units.js";
import { HealthService } from "../gen/grpc/health/v1/health.js";
import { ServerReflectionService } from "../gen/grpc/reflection/v1/reflection.js";
import type { AdminToken } from "../keys/admin-token.js";
import type { IssuerKeys } from "../keys/issuer-keys.js";
import { KeyNotes } from "../keys/key-notes.js";
import type { UpstreamKeys } from "../keys/upstream-keys.js";
import { catalogueAgeDays } from "../policy/catalogue.js";
import type { LivePolicy } from "../policy/live-policy.js";
import type { ServeSettings } from "../settings.js";
import { Activity } from "../telemetry/activity/activity.js";
import { AlertCounts } from "../telemetry/alert-counts.js";
import { bothLogs } from "../telemetry/decisions/both-logs.js";
import type { QueuedDecisionLog } from "../telemetry/decisions/queued-decision-log.js";
import type { Log } from "../telemetry/log.js";
import { Metrics, scrape } from "../telemetry/metrics.js";
import type { RotationFacts } from "../telemetry/rotation-facts.js";
import type { ServiceOptions as HandlingOptions } from "../transport/abandon.js";
import { type Address, formatAddress, formatFault } from "../transport/address.js";
import { type AdminServer, startAdmin } from "../transport/admin.js";
import type { Bounds } from "../transport/bounds.js";
import { DECISION_SERVICE, decisionHandlers } from "../transport/decision-service.js";
import { createDraining } from "../transport/draining.js";
import { Health } from "../transport/health.js";
import type { Listener } from "../transport/listeners.js";
import { createReflection, readDescriptors, reflectionHandlers } from "../transport/reflection.js";
import { createServer, listen, shutdown } from "../transport/server.js";
import { VERSION } from "../version.js";
import { adminSource } from "./admin-answers.js";
import { AlertWatch } from "./alert-watch.js";
import { EnvoyDoor } from "./envoy-door.js";
import { forgotten } from "./forgotten.js";
import { identityFor, proverFor } from "./identity-in-use.js";
import { limitsToScrape } from "./limits-to-scrape.js";
import { forgetfulStore } from "./open-store.js";
import { operationsSource } from "./operations.js";
import { PeersInUse } from "./peers-in-use.js";
import type { StoreInUse } from "./store-in-use.js";
import { Sweeper } from "./sweeper.js";
import type { TlsInUse } from "./tls-in-use.js";
import { TurnedAway } from "./turned-away.js";

const DECISIONS = "windbreak.v1.PolicyDecisionService";
const SERVED = [DECISIONS, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];

const ADMIN_GRACE_MS = 1_000;

export interface ServiceOptions {
  readonly settings: ServeSettings;
  readonly log: Log;
  readonly clock: Clock;
  /** Counters of this process alone when left out. */
  readonly counters?: StoreInUse;
  /** What calls through Envoy are sent with; needed where Envoy's door is served. */
  readonly upstreamKeys?: UpstreamKeys;
  /** Where tokens' keys are; needed with `--identity credential`. Closed by its maker. */
  readonly issuerKeys?: IssuerKeys | undefined;
  /** In front of every listener on TCP, of callers and of Envoy; plain text when left out. Closed by its maker. */
  readonly tls?: TlsInUse | undefined;
  /** What operators show to the admin port; nothing when left out. Closed by its maker. */
  readonly adminToken?: AdminToken | undefined;
  /** Where decisions are written; nowhere when left out. Closed by its maker. */
  readonly decisionLog?: QueuedDecisionLog | undefined;
  /** What is shown of rotations of keys; none are when left out. */
  readonly rotationFacts?: RotationFacts | undefined;
  /** Follows calls; nothing does when left out. Closed by its maker. */
  readonly tracing?: Tracing | undefined;
}

/** One running server with all that belongs to it: made by constructor, from settings to sockets. */
export class Service {
  /** What it counts, for whoever exports it. */
  readonly metrics: Metrics;
  readonly #settings: ServeSettings;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #counters: StoreInUse;
  readonly #draining = createDraining();
  readonly #health = new Health([DECISIONS], this.#draining);
  /** undefined: without an admin port nobody can look. */
  readonly #activity: Activity | undefined;
  readonly #startedAt: EpochMs;
  readonly #turnedAway: TurnedAway;
  readonly #peers: PeersInUse;
  readonly #desk: Desk;
  readonly #pending: PendingQueue;
  readonly #sweeper: Sweeper;
  readonly #alertCounts = new AlertCounts();
  readonly #alerts: AlertWatch;
  readonly #server: Server;
  readonly #envoy: EnvoyDoor | undefined;
  readonly #upstreamKeys: UpstreamKeys | undefined;
  readonly #keyNotes: KeyNotes;
  readonly #issuerKeys: IssuerKeys | undefined;
  readonly #tls: TlsInUse | undefined;
  readonly #adminToken: AdminToken | undefined;
  readonly #decisionLog: QueuedDecisionLog | undefined;
  readonly #rotationFacts: RotationFacts | undefined;
  readonly #tracing: Tracing | undefined;
  #live: LivePolicy | undefined;
  #inForce: SnapshotInForce | undefined;
  #listeners: readonly Listener[] = [];
  #admin: AdminServer | undefined;
  #isEnding = false;

  constructor({ settings, log, clock, counters, upstreamKeys, ...guards }: ServiceOptions) {
    const { issuerKeys, tls, adminToken, decisionLog, rotationFacts, tracing } = guards;
    this.#settings = settings;
    this.#log = log;
    this.#clock = clock;
    this.#upstreamKeys = upstreamKeys;
    this.#issuerKeys = issuerKeys;
    this.#tls = tls;
    this.#adminToken = adminToken;
    this.#decisionLog = decisionLog;
    this.#rotationFacts = rotationFacts;
    this.#tracing = tracing;
    this.#counters = counters ?? forgetfulStore();
    this.#keyNotes = new KeyNotes({ store: this.#counters.keyUses, clock });
    this.#peers = new PeersInUse(log);
    this.#pending = new PendingQueue({
      isUp: () => this.#counters.isUp(),
      send: (pending) => this.#sendPending(pending),
      failed: (cause) => this.#log.error("usage that waits for the counter store could not be kept or sent", cause),
      file: this.#counters.pendingFile,
    });
    this.metrics = new Metrics({ version: VERSION, clock, source: this.#metricsSource() });
    this.#activity = settings.admin && new Activity(clock);
    this.#startedAt = clock.now();
    this.#turnedAway = new TurnedAway(log, this.metrics);
    this.#desk = {
      identity: identityFor(settings, this.#keyNotes.caller),
      store: this.#counters.store,
      clock,
      log: this.#decisionLogs(),
      pending: this.#pending,
      snapshot: () => this.#snapshot(),
      inventId: inventIds(),
    };
    this.#sweeper = new Sweeper({ counters: this.#counters, clock, snapshot: () => this.#snapshot(), log });
    const { alertMarks: marks } = this.#counters;
    this.#alerts = new AlertWatch({ desk: this.#desk, marks, counts: this.#alertCounts, log });
    this.#server = this.#serving();
    const { envoy, identity, socketAccess: access } = settings;
    const bounds = this.#bounds();
    if (envoy && upstreamKeys) {
      this.#envoy = new EnvoyDoor({
        ...this.#handling("envoy"),
        settings: envoy,
        identity,
        upstreamKeys,
        keyNotes: this.#keyNotes,
        tls,
        access,
        bounds,
      });
    }
  }

  /**
   * Listen everywhere or nowhere. Call `start` as soon as this resolves: nobody who connects is then read before.
   *
   * @returns a line for each address that cannot be had.
   * @throws Error where the settings ask for a guard that was not given.
   */
  async bind(): Promise<readonly string[]> {
    if (this.#settings.tls && !this.#tls) throw new Error("TLS is asked for, and there is none");
    if (this.#settings.adminTokenFile && !this.#adminToken) throw new Error("an admin token is asked for");
    // Callers last: the admin port can do without a policy, and they cannot.
    const adminFaults = await this.#bindAdmin();
    const envoyFaults = (await this.#envoy?.bind()) ?? [];
    const { listen: addresses, socketAccess: access } = this.#settings;
    const bound = await listen(this.#server, { addresses, gate: this.#tls?.gate(), access, bounds: this.#bounds() });
    if (bound.kind === "refused") return [...bound.faults.map(formatFault), ...envoyFaults, ...adminFaults];
    this.#listeners = bound.listeners;
    return [...envoyFaults, ...adminFaults];
  }

  /** Where it listens for callers, as bound. */
  addresses(): readonly Address[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** Where it listens for Envoy, as bound. */
  envoyAddresses(): readonly Address[] {
    return (this.#envoy?.listeners ?? []).map(({ address }) => address);
  }

  /** What this service, and those that share its store, saw of keys' use. */
  get keyUses(): KeyUses {
    return this.#keyNotes;
  }

  /** Decide by this policy, and by every one that comes after it. */
  start(live: LivePolicy): void {
    const policy = live.current();
    this.#live = live;
    this.#inForce = new SnapshotInForce(policy, this.#counters.store, this.#clock);
    live.onSwap((next) => {
      this.#inForce?.swap(next);
      this.#issuerKeys?.keepOnly(next);
    });
    this.#pending.start();
    this.#sweeper.start();
    this.#alerts.start();
    this.#keyNotes.start();
    this.#health.serve();
    this.#envoy?.health.serve();
    for (const { address } of this.#listeners) this.#log.info(`listening on ${formatAddress(address)}`);
    for (const address of this.envoyAddresses()) this.#log.info(`listening for Envoy on ${formatAddress(address)}`);
    if (this.#admin) this.#log.info(`admin port on http://${formatAddress(this.#admin.address)}`);
    this.#log.info(`policy ${policy.revision} of ${this.#settings.policyFile} is in force`);
    const { restored } = this.#counters;
    if (restored === undefined) this.#log.warn(forgotten(policy));
    else this.#log.info(restored);
  }

  /** Say NOT_SERVING, let calls in flight finish, close everything. */
  async stop(): Promise<"drained" | "cut"> {
    this.#isEnding = true;
    const { drainGraceMs: graceMs, drainDelayMs } = this.#settings;
    const running = {
      servers: [this.#server, ...(this.#envoy ? [this.#envoy.server] : [])],
      listeners: this.#allListeners(),
      healths: [this.#health, ...(this.#envoy ? [this.#envoy.health] : [])],
      draining: this.#draining,
    };
    const outcome = await shutdown(running, { graceMs, drainDelayMs: this.#live ? drainDelayMs : 0 });
    // Only readiness was still to be told.
    await this.#admin?.close(ADMIN_GRACE_MS);
    this.#turnedAway.close();
    this.#sweeper.stop();
    await this.#alerts.stop();
    this.metrics.close();
    this.#peers.close();
    // No call is left that could be answered.
    await this.#pending.stop();
    await this.#keyNotes.stop();
    await this.#counters.close();
    return outcome;
  }

  #serving(): Server {
    const server = createServer();
    const reflect = createReflection(readDescriptors(), SERVED);
    const prover = proverFor(this.#settings, { policy: () => this.#snapshot().policy, issuerKeys: this.#issuerKeys });
    server.addService(DECISION_SERVICE, decisionHandlers({ ...this.#handling("grpc"), prover }));
    server.addService(HealthService, this.#health.handlers);
    server.addService(ServerReflectionService, reflectionHandlers(reflect, this.#draining));
    return server;
  }

  #decisionLogs(): DecisionLog {
    const told = this.#activity ? bothLogs(this.metrics, this.#activity) : this.metrics;
    return this.#decisionLog ? bothLogs(told, this.#decisionLog) : told;
  }

  #handling(door: Door): HandlingOptions {
    return {
      desk: this.#desk,
      draining: this.#draining,
      asksOrigin: this.#decisionLog !== undefined,
      tracing: this.#tracing,
      timed: (ms) => this.metrics.observe(ms / 1000),
      turnedAway: this.#turnedAway.at(door),
      failed: (cause) => this.#log.error("a call failed unexpectedly", cause),
    };
  }

  #bounds(): Bounds {
    const { maxConnections, maxCalls } = this.#settings;
    return { maxConnections, maxCalls, cut: this.#peers.cut };
  }

  #allListeners(): readonly Listener[] {
    return [...this.#listeners, ...(this.#envoy?.listeners ?? [])];
  }

  async #bindAdmin(): Promise<readonly string[]> {
    const { admin: address, adminIsDefault } = this.#settings;
    const activity = this.#activity;
    if (!address || !activity) return [];
    const started = await startAdmin({
      address,
      token: this.#adminToken,
      source: adminSource({
        desk: this.#desk,
        counters: this.#counters,
        keyNotes: this.#keyNotes,
        upstreamKeys: this.#upstreamKeys,
        live: () => this.#live,
        isEnding: () => this.#isEnding,
        listeners: () => this.#allListeners(),
      }),
      operations: operationsSource({
        desk: this.#desk,
        activity,
        startedAt: this.#startedAt,
        live: () => this.#live,
      }),
      scrape: () => scrape(this.metrics, (fault) => this.#log.error("metrics are incomplete", fault)),
      turnedAway: this.#turnedAway.at("admin"),
      report: (fault) => this.#log.error("admin port", fault),
      cut: this.#peers.cut,
    });
    if (started.kind === "listening") {
      this.#admin = started.admin;
      return [];
    }
    const faults = started.faults.map(formatFault);
    if (!adminIsDefault) return faults;
    for (const fault of faults) this.#log.warn(`serving without an admin port: ${fault}`);
    return [];
  }

  #metricsSource(): ConstructorParameters<typeof Metrics>[0]["source"] {
    return {
      policy: () => this.#live?.state(),
      catalogueAgeDays: () => catalogueAgeDays(new Date()),
      stats: () => this.#counters.stats(this.#clock.now()),
      tls: () => this.#tls?.facts(),
      peers: () => this.#peers.facts(this.#allListeners()),
      pending: () => ({ waiting: this.#pending.size, sent: this.#pending.sent, dropped: this.#pending.dropped }),
      limits: () => limitsToScrape(this.#desk),
      decisionLog: () => this.#decisionLog?.facts(),
      alerts: () => this.#alertCounts.read(),
      rotations: () => this.#rotationFacts,
    };
  }

  async #sendPending(pending: PendingCall): Promise<"done" | "away"> {
    const result = await recordPending(this.#desk, pending);
    if (result.kind === "recorded") return "done";
    if (result.code === "unavailable") return "away";
    this.#log.warn(`usage that waited for the counter store could not be recorded: ${result.message}`);
    return "done";
  }

  #snapshot(): Snapshot {
    if (!this.#inForce) throw new Error("no policy is in force yet");
    return this.#inForce.current();
  }
}

function inventIds(): () => string {
  const random = secureRandom24();
  return () => inventRequestId(random);
}
