import { randomUUID } from "node:crypto";
import type { Policy } from "../domain/policy.js";
import { faultInCredential } from "../identity/credential.js";
import { faultInFixed } from "../identity/fixed.js";
import { faultInEnvoy } from "../keys/fault-in-envoy.js";
import { IssuerKeys } from "../keys/issuer-keys.js";
import { isOpenToOthers, warningsOfOpenFiles } from "../keys/open-to-others.js";
import { UpstreamKeys } from "../keys/upstream-keys.js";
import type { Load } from "../policy/judge.js";
import { LivePolicy } from "../policy/live-policy.js";
import { loadHere, loadInWorker } from "../policy/load-in-worker.js";
import { mountPointWarning } from "../policy/mount-point.js";
import { doubtsIn } from "../settings/doubts.js";
import { type ServeSettings, variable } from "../settings.js";
import { createLog, type Log } from "../telemetry/log.js";
import { RotationFacts } from "../telemetry/rotation-facts.js";
import { closeDecisionLog, openDecisionLog } from "./decision-log-in-use.js";
import { asksForCertificates, doubtsOfPolicy } from "./doubts-of-policy.js";
import { openGuards } from "./guards.js";
import { forgetfulStore, openStore } from "./open-store.js";
import type { OpenedRotation } from "./rotation-in-use.js";
import { Service } from "./service.js";
import { onTerminate } from "./signals.js";
import { closeTelemetry, openTelemetryFor } from "./telemetry-in-use.js";

const DONE = 0;
const MISCONFIGURED = 2;

/**
 * Run the service until it is told to end.
 *
 * @returns the exit code: 2 where the policy is at fault or an address cannot be had, with every fault on stderr.
 */
export async function serve(settings: ServeSettings): Promise<number> {
  const { policyFile: file } = settings;
  const log = createLog({ ...settings.log, write: (line) => process.stderr.write(line), now: () => new Date() });
  let live: LivePolicy | undefined;
  // Before anything takes time: a signal that nobody listens for kills the process, or is lost on process 1.
  const asked = endAsked(log);
  process.on("SIGHUP", () => void live?.reload());

  const instance = randomUUID();
  const telemetry = await openTelemetryFor(settings, instance, log);
  const counters = await openStore(settings, log, () => live?.current(), telemetry?.followed);
  const inUse = counters.kind === "open" ? counters.inUse : forgetfulStore();
  const { clock } = inUse;
  const upstreamKeys = settings.envoy && new UpstreamKeys({ variable, onLost: (line) => log.warn(line) });
  const issuerKeys = settings.identity.kind === "credential" ? holdIssuerKeys(log) : undefined;
  const load = loaderFor(settings, { upstreamKeys, issuerKeys });
  const opened = await LivePolicy.open({ file, log, clock, load });
  const warning = opened.kind === "open" ? await mountPointWarning(file) : undefined;
  const open = await warningsOfOpenFiles(secretFiles(settings));
  if (await isOpenToOthers(file, "write")) {
    open.push(
      `${file}: every account of this machine can write it, and list a key of its own; chmod o-w it, or the directory above that lets them`,
    );
  }
  const guards = await openGuards(settings, log);
  const { tls, adminToken } = guards;
  const decisions = settings.decisionLog && (await openDecisionLog(settings.decisionLog, { clock, log, instance }));
  const decisionLog = decisions?.kind === "open" ? decisions.decisionLog : undefined;
  const keys = upstreamKeys ? { upstreamKeys } : {};
  const rotation = await rotationFor(settings, opened.kind === "open" ? opened.live.current() : undefined, log);
  const rotationFacts = settings.rotation && new RotationFacts();
  const service = new Service({
    ...{ settings, log, clock, counters: inUse, issuerKeys, tls, adminToken, decisionLog },
    ...{ tracing: telemetry?.tracing, rotationFacts, ...keys },
  });
  telemetry?.exportMetrics(service.metrics);
  // One fault does not keep another from being told: all are to be mended before the next start.
  const faults = [
    ...(counters.kind === "faulty" ? [counters.fault] : []),
    ...(opened.kind === "faulty" ? opened.faults : []),
    ...(decisions?.kind === "faulty" ? [decisions.fault] : []),
    ...(rotation?.kind === "faulty" ? rotation.faults : []),
    ...(guards.faults.length > 0 ? guards.faults : await service.bind()),
  ];
  if (opened.kind === "faulty" || faults.length > 0) {
    for (const fault of faults) process.stderr.write(`${fault}\n`);
    if (opened.kind === "open") opened.live.close();
    upstreamKeys?.close();
    issuerKeys?.close();
    await service.stop();
    if (decisionLog) await closeDecisionLog(decisionLog, log);
    guards.close();
    await closeTelemetry(telemetry, log, MISCONFIGURED);
    return MISCONFIGURED;
  }

  live = opened.live;
  service.start(live);
  if (warning) log.warn(warning);
  for (const doubt of [...doubtsIn(settings), ...open]) log.warn(doubt);
  const rotations =
    rotation?.kind === "open" && inUse.rotations && rotationFacts
      ? rotation.start({ journal: inUse.rotations, uses: service.keyUses, clock, facts: rotationFacts })
      : undefined;
  await asked;
  live.close();
  const isRotating = (await rotations?.stop()) === true;
  log.info((await service.stop()) === "drained" ? "all calls finished" : "calls were cut off after the grace time");
  upstreamKeys?.close();
  issuerKeys?.close();
  guards.close();
  const hangs = decisionLog !== undefined && (await closeDecisionLog(decisionLog, log));
  await closeTelemetry(telemetry, log, DONE);
  // A pipe that nobody reads must not keep the process alive, nor an Admin API that does not answer.
  if (hangs || isRotating) process.exit(DONE);
  return DONE;
}

/** Open what rotates keys, which nothing is loaded for where none are. */
async function rotationFor(
  settings: ServeSettings,
  policy: Policy | undefined,
  log: Log,
): Promise<OpenedRotation | undefined> {
  if (!settings.rotation) return undefined;
  const { openRotation } = await import("./rotation-in-use.js");
  return openRotation({ settings, policy, log });
}

/** Resolves at the first signal that asks the process to end; the second ends it. */
function endAsked(log: Log): Promise<void> {
  return new Promise((resolve) => {
    onTerminate({
      drain: (signal) => {
        log.info(`${signal}: draining; calls in flight may finish, a second signal ends at once`);
        resolve();
      },
      exit: (code) => process.exit(code),
    });
  });
}

function holdIssuerKeys(log: Log): IssuerKeys {
  const clock = { now: () => Date.now() };
  return new IssuerKeys({ clock, warn: (line) => log.warn(line), info: (line) => log.info(line) });
}

interface KeysInUse {
  readonly upstreamKeys: UpstreamKeys | undefined;
  readonly issuerKeys: IssuerKeys | undefined;
}

/**
 * Load the first policy in this thread, which has nothing else to do, and every later one in a thread of its own, so that
 * no call waits for it. A policy that this server cannot serve is at fault: its fixed principal, what could prove a
 * caller, or Mistral's keys, are missing.
 */
function loaderFor(settings: ServeSettings, { upstreamKeys, issuerKeys }: KeysInUse): Load {
  let isFirst = true;
  return async (bytes, file) => {
    const result = await (isFirst ? loadHere(bytes, file) : loadInWorker(bytes, file));
    isFirst = false;
    if (result.kind === "faulty") return result;
    const { policy } = result;
    const faults = [
      faultInIdentity(settings, policy),
      upstreamKeys && faultInEnvoy(policy),
      ...((await issuerKeys?.prepare(policy)) ?? []),
    ].filter((fault) => fault !== undefined);
    if (upstreamKeys && faults.length === 0) {
      const read = await upstreamKeys.swap(policy);
      if (read.kind === "faulty") faults.push(...read.faults);
    }
    if (faults.length > 0) return { kind: "faulty", faults: faults.map((fault) => `${file}: ${fault}`) };
    const doubts = (await doubtsOfPolicy(settings, policy)).map((doubt) => `${file}: ${doubt}`);
    return { ...result, warnings: [...result.warnings, ...doubts] };
  };
}

function faultInIdentity(settings: ServeSettings, policy: Policy): string | undefined {
  const { identity } = settings;
  if (identity.kind === "fixed") return faultInFixed(policy, identity.id);
  return identity.kind === "credential" ? faultInCredential(policy, asksForCertificates(settings)) : undefined;
}

/** Files of the settings that hold a secret. */
function secretFiles({ tls, adminTokenFile, redisFile }: ServeSettings): readonly string[] {
  return [tls?.keyFile, adminTokenFile, redisFile].filter((path) => path !== undefined);
}
