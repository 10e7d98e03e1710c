import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { loadSync, type MethodDefinition } from "@grpc/proto-loader";
import { afterEach } from "vitest";
import { closeDecisionLog, openDecisionLog } from "../../src/commands/decision-log-in-use.js";
import { openGuards } from "../../src/commands/guards.js";
import { Service } from "../../src/commands/service.js";
import { IssuerKeys } from "../../src/keys/issuer-keys.js";
import { UpstreamKeys } from "../../src/keys/upstream-keys.js";
import { LivePolicy } from "../../src/policy/live-policy.js";
import { loadHere } from "../../src/policy/load-in-worker.js";
import type { ServeSettings } from "../../src/settings.js";
import { systemClock } from "../../src/telemetry/system-clock.js";
import { formatAddress } from "../../src/transport/address.js";

const PROTO = join(import.meta.dirname, "../../proto");
const NAME = "windbreak.v1.PolicyDecisionService";

/** A client that knows the proto only, as one in any language does: its codec is not ours. */
const definition = loadSync("windbreak/v1/policy_decision.proto", {
  includeDirs: [PROTO],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});
const methods = definition[NAME] as unknown as Record<string, MethodDefinition<object, object>>;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Do this once the test is over, last things first. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "service-"));
  afterwards(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Serve a policy text in this process on a free port. */
export async function startService(policy: string, overrides: Partial<ServeSettings> = {}) {
  const file = join(temporaryDirectory(), "policy.yaml");
  writeFileSync(file, policy);
  const settings: ServeSettings = {
    policyFile: file,
    listen: [{ kind: "tcp", host: "127.0.0.1", port: 0 }],
    admin: undefined,
    adminIsDefault: false,
    identity: { kind: "declared" },
    declaredIsExposed: false,
    storeTimeoutMs: 50,
    maxConnections: 10_000,
    maxCalls: 8_192,
    drainGraceMs: 5_000,
    drainDelayMs: 0,
    log: { format: "text", level: "error" },
    ...overrides,
  };
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const log = { info: say, warn: say, error: (line: string, cause?: unknown) => say(`${line} ${String(cause ?? "")}`) };
  const clock = systemClock();
  // A workspace whose key is { env: NAME } has the key `key-of-NAME`.
  const upstreamKeys = new UpstreamKeys({ variable: (name) => `key-of-${name}`, onLost: say });
  afterwards(() => upstreamKeys.close());
  const issuerKeys = new IssuerKeys({ clock: { now: () => Date.now() }, warn: say, info: say });
  afterwards(() => issuerKeys.close());
  const load: typeof loadHere = async (bytes, name) => {
    const loaded = await loadHere(bytes, name);
    if (loaded.kind === "faulty") return loaded;
    await upstreamKeys.swap(loaded.policy);
    const faults = settings.identity.kind === "credential" ? await issuerKeys.prepare(loaded.policy) : [];
    return faults.length > 0 ? { kind: "faulty", faults } : loaded;
  };
  const opened = await LivePolicy.open({ file, log, clock, load });
  if (opened.kind === "faulty") throw new Error(opened.faults.join("\n"));
  const guards = await openGuards(settings, log);
  afterwards(() => guards.close());
  if (guards.faults.length > 0) throw new Error(guards.faults.join("\n"));
  const { tls, adminToken } = guards;
  const decisions =
    settings.decisionLog && (await openDecisionLog(settings.decisionLog, { clock, log, instance: "test" }));
  if (decisions?.kind === "faulty") throw new Error(decisions.fault);
  const decisionLog = decisions?.decisionLog;
  if (decisionLog) afterwards(() => closeDecisionLog(decisionLog, log));
  const service = new Service({ settings, log, clock, upstreamKeys, issuerKeys, tls, adminToken, decisionLog });
  const faults = await service.bind();
  if (faults.length > 0) throw new Error(faults.join("\n"));
  service.start(opened.live);
  afterwards(async () => {
    opened.live.close();
    await service.stop();
  });
  const [address] = service.addresses();
  if (!address) throw new Error("nothing listens");
  const where = formatAddress(address);
  return { client: connect(where), address: where, file, live: opened.live, service, tls, lines };
}

export type RunningService = Awaited<ReturnType<typeof startService>>;

/** An answer as the dynamic client gives it. */
// biome-ignore lint/suspicious/noExplicitAny: what is asserted on field by field
export type Answer = any;

/**
 * Connect a dynamic client to an address.
 *
 * @param authorization what it shows in every call, if anything.
 * @param traceparent of which span every call says that it is part.
 */
export function connect(
  address: string,
  by: ChannelCredentials = credentials.createInsecure(),
  authorization?: string,
  traceparent?: string,
) {
  // Else it shares a connection with another client of the address, and its pause once that was refused.
  const client = new Client(address, by, { "grpc.use_local_subchannel_pool": 1 });
  const shown = new Metadata();
  if (traceparent !== undefined) shown.set("traceparent", traceparent);
  if (authorization !== undefined) shown.set("authorization", authorization);
  afterwards(() => client.close());
  const method = (name: string) => {
    const found = methods[name];
    if (!found) throw new Error(`no method ${name}`);
    return found;
  };
  const start = (name: string, request: object, options: { deadline?: Date } = {}) => {
    const { path, requestSerialize, responseDeserialize } = method(name);
    let cancel = () => {};
    const answer = new Promise<Answer>((resolve, reject) => {
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        shown,
        options,
        (error, message) => (error ? reject(error) : resolve(message)),
      );
      cancel = () => call.cancel();
    });
    return { answer, cancel };
  };
  const unary =
    (name: string) =>
    (request: object, options: { deadline?: Date } = {}): Promise<Answer> =>
      start(name, request, options).answer;
  return {
    /** What it shows in every call from now on. */
    metadata: shown,
    /** Authorize, to be cancelled. */
    authorizeCall: (request: object) => start("Authorize", request),
    authorize: unary("Authorize"),
    recordUsage: unary("RecordUsage"),
    checkBudget: unary("CheckBudget"),
    authorizeStream() {
      const { path, requestSerialize, responseDeserialize } = method("AuthorizeStream");
      return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, shown);
    },
    /** Send bytes as they are to a unary method. */
    sendBytes: (name: string, bytes: Buffer) =>
      new Promise<Buffer>((resolve, reject) => {
        const same = (value: Buffer) => value;
        client.makeUnaryRequest(method(name).path, same, same, bytes, shown, (error, answer) =>
          error || !answer ? reject(error) : resolve(answer),
        );
      }),
    /** Write a request as the dynamic codec does. */
    encode: (name: string, request: object) => method(name).requestSerialize(request),
  };
}

/** What a call was refused with. */
export async function statusOf(call: Promise<unknown>): Promise<Pick<ServiceError, "code" | "details">> {
  try {
    const answer = await call;
    throw new Error(`no error, but ${JSON.stringify(answer)}`);
  } catch (error) {
    if (error instanceof Error && "code" in error && "details" in error) {
      return { code: Number(error.code), details: String(error.details) };
    }
    throw error;
  }
}
