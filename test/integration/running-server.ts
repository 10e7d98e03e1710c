import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, makeGenericClientConstructor, type sendUnaryData, status } from "@grpc/grpc-js";
import { afterEach, beforeEach } from "vitest";
import {
  type HealthCheckResponse,
  HealthClient,
  HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../src/gen/grpc/health/v1/health.js";
import { ServerReflectionClient, ServerReflectionService } from "../../src/gen/grpc/reflection/v1/reflection.js";
import { PolicyDecisionServiceClient } from "../../src/gen/windbreak/v1/policy_decision.js";
import { type Address, formatAddress } from "../../src/transport/address.js";
import { createDraining } from "../../src/transport/draining.js";
import { Health } from "../../src/transport/health.js";
import { createReflection, readDescriptors, reflectionHandlers } from "../../src/transport/reflection.js";
import { createServer, listen, type ShutdownTiming, shutdown } from "../../src/transport/server.js";

export const DECISIONS = PolicyDecisionServiceClient.serviceName;
const NAMES = [DECISIONS, HealthClient.serviceName, ServerReflectionClient.serviceName];

const asIs = (value: Buffer) => value;
const SLOW = {
  hold: {
    path: "/test.Slow/Hold",
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const;
const SlowClient = makeGenericClientConstructor(SLOW, "test.Slow");

let directory: string;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grpc-server-"));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(directory, { recursive: true });
});

/** Do this once the test is over, last things first. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** Start a server with health, reflection and a call that is answered when the test says so. */
export async function start() {
  const draining = createDraining();
  const health = new Health([DECISIONS], draining);
  const held: sendUnaryData<Buffer>[] = [];
  let onHeld = () => {};
  const server = createServer();
  server.addService(HealthService, health.handlers);
  server.addService(ServerReflectionService, reflectionHandlers(createReflection(readDescriptors(), NAMES), draining));
  server.addService(SLOW, {
    hold: (_: unknown, respond: sendUnaryData<Buffer>) => {
      held.push(respond);
      onHeld();
    },
  });
  const addresses: readonly Address[] = [
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    { kind: "unix", path: join(directory, "windbreak.sock") },
  ];
  const bound = await listen(server, { addresses });
  if (bound.kind === "refused") throw new Error(JSON.stringify(bound.faults));
  const { listeners } = bound;
  const [tcp, unix] = listeners.map(({ address }) => formatAddress(address));
  if (!tcp || !unix) throw new Error("not bound");
  const end = (timing: ShutdownTiming) =>
    shutdown({ servers: [server], listeners, healths: [health], draining }, timing);
  afterwards(() => end({ graceMs: 0 }));

  /** Make a call that stays in flight. Resolves once the server has it. */
  async function hold() {
    const client = open(new SlowClient(String(tcp), credentials.createInsecure()));
    const arrived = new Promise<void>((resolve) => {
      onHeld = resolve;
    });
    const answer = new Promise<string | number>((resolve) => {
      client["hold"]?.(Buffer.from(""), (error: { code: number } | null, value?: Buffer) =>
        resolve(error ? error.code : String(value)),
      );
    });
    await arrived;
    return { answer, release: () => held.shift()?.(null, Buffer.from("released")) };
  }

  return {
    tcp,
    port: Number(tcp.split(":")[1]),
    unix,
    directory,
    health,
    draining,
    end,
    hold,
    accepting: () => listeners.map(({ accepting }) => accepting),
  };
}

/** Close a client once the test is over. */
export function open<T extends { close(): void }>(client: T): T {
  afterwards(() => client.close());
  return client;
}

export function healthClient(address: string, options = {}): HealthClient {
  return open(new HealthClient(address, credentials.createInsecure(), options));
}

/** The state, or the code of the error. */
export function check(client: HealthClient, service = ""): Promise<string> {
  return new Promise((resolve) => {
    client.check({ service }, (error, response) =>
      resolve(error ? `error ${status[error.code]}` : (ServingStatus[response.status] ?? "?")),
    );
  });
}

/** The states as they come, then how the stream ended. */
export function watch(client: HealthClient, service = "") {
  const call = client.watch({ service });
  const events: string[] = [];
  let wake = () => {};
  const push = (event: string) => {
    events.push(event);
    wake();
  };
  call.on("data", (response: HealthCheckResponse) => push(ServingStatus[response.status] ?? "?"));
  call.on("status", ({ code }) => push(`end ${status[code]}`));
  // Told by the status too.
  call.on("error", () => {});
  const next = async (): Promise<string> => {
    const event = events.shift();
    if (event !== undefined) return event;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    return next();
  };
  return { next, cancel: () => call.cancel() };
}
