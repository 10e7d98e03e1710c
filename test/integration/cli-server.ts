import { join } from "node:path";
import type { Server } from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import type { Desk } from "../../src/app/desk.js";
import type { Identity } from "../../src/app/identity-ports.js";
import { listLimits } from "../../src/app/list-limits.js";
import { readTotals } from "../../src/app/read-totals.js";
import { Snapshot } from "../../src/app/snapshot.js";
import { operationsSource } from "../../src/commands/operations.js";
import { inventRequestId } from "../../src/counters/memory/ids.js";
import { MemoryStore } from "../../src/counters/memory/memory-store.js";
import { secureRandom24 } from "../../src/counters/memory/secure-random.js";
import { Calendar } from "../../src/domain/window.js";
import { HealthService } from "../../src/gen/grpc/health/v1/health.js";
import { declaredIdentity } from "../../src/identity/declared.js";
import { loadPolicy } from "../../src/policy/load-policy.js";
import { Activity } from "../../src/telemetry/activity/activity.js";
import { type Address, formatAddress } from "../../src/transport/address.js";
import { startAdmin } from "../../src/transport/admin.js";
import { DECISION_SERVICE, decisionHandlers } from "../../src/transport/decision-service.js";
import { createDraining } from "../../src/transport/draining.js";
import { Health } from "../../src/transport/health.js";
import { createServer, listen, shutdown } from "../../src/transport/server.js";
import { directory, POLICY } from "../unit/commands/policy-files.js";
import { NOON, type Ran, runCli } from "../unit/commands/run-cli.js";

const ANY_PORT: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };

function unexpected(cause: unknown): never {
  throw new Error("the server met what nobody expected", { cause });
}

/** Start a server whose clock stands still at noon, with an admin port, until the test is over. */
export async function startServer({ policy: text = POLICY, identity = declaredIdentity() } = {}) {
  const loaded = loadPolicy(Buffer.from(text), "policy.yaml");
  if (loaded.kind === "faulty") throw new Error(JSON.stringify(loaded.faults));
  const clock = { now: () => NOON };
  const store = new MemoryStore(secureRandom24());
  const snapshot = new Snapshot(loaded.policy, new Calendar(loaded.policy.timezone), store);
  const desk = deskWith(store, snapshot, identity);

  const draining = createDraining();
  const health = new Health([], draining);
  const server: Server = createServer();
  server.addService(DECISION_SERVICE, decisionHandlers({ desk, draining, timed: () => {}, failed: unexpected }));
  server.addService(HealthService, health.handlers);
  const socket = join(directory(), "windbreak.sock");
  const bound = await listen(server, { addresses: [ANY_PORT, { kind: "unix", path: socket }] });
  const started = await startAdmin({
    address: ANY_PORT,
    source: adminSource(),
    operations: operationsSource({ desk, activity: new Activity(clock), startedAt: NOON, live: () => undefined }),
    scrape: async () => "",
    report: unexpected,
  });
  if (bound.kind === "refused" || started.kind === "refused") throw new Error("not bound");
  const { listeners } = bound;
  onTestFinished(async () => {
    await started.admin.close(0);
    await shutdown({ servers: [server], listeners, healths: [health], draining }, { graceMs: 0 });
  });

  const [tcp = ANY_PORT] = listeners.map(({ address }) => address);
  const env = { WINDBREAK_SERVER: formatAddress(tcp), WINDBREAK_ADMIN_SERVER: formatAddress(started.admin.address) };
  /** Run a command line that finds this server by variables. */
  const cli = (...argv: readonly string[]): Promise<Ran> => runCli(argv, env);
  return { cli, desk, health, env, unix: `unix:${socket}`, revision: loaded.policy.revision };

  function adminSource() {
    const now = clock.now();
    return {
      ready: () => ({ policy: undefined, faults: [], store: "up" as const, draining: false, listeners: [] }),
      limits: (page: Parameters<typeof listLimits>[1]) => listLimits(desk, page),
      totals: (asked: Parameters<typeof readTotals>[1]) => readTotals(desk, asked),
      keys: () => ({ since: now, callers: [], upstream: [] }),
      reservations: (page: Parameters<MemoryStore["reservations"]>[0]) => store.reservations(page, now),
      release: (reservationId: string) =>
        store.release({ reservationId, forget: false, now, calendar: snapshot.calendar }),
    };
  }
}

function deskWith(store: MemoryStore, snapshot: Snapshot, identity: Identity): Desk {
  const random = secureRandom24();
  return {
    identity,
    store,
    clock: { now: () => NOON },
    log: { decided: () => {}, settled: () => {}, released: () => {} },
    snapshot: () => snapshot,
    inventId: () => inventRequestId(random),
  };
}
