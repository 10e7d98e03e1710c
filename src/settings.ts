import type { RedisTarget } from "./counters/redis/redis-url.js";
import type { Millis } from "./domain/units.js";
import { adminGiven, DEFAULT_ADMIN } from "./settings/admin-given.js";
import { type DecisionLogSettings, decisionLogGiven } from "./settings/decision-log-given.js";
import { type EnvoySettings, envoyGiven } from "./settings/envoy-given.js";
import {
  addressesGiven,
  choiceGiven,
  countGiven,
  durationGiven,
  type Environment,
  type Flags,
  finish,
  type GivenAddress,
  given,
  isOn,
  type Reader,
  refuseTwice,
  type SettingFault,
  type SettingsRead,
  serverGiven,
} from "./settings/given.js";
import { type KeysGiven, keysGiven } from "./settings/keys-given.js";
import { type ReconcileGiven, reconcileGiven } from "./settings/reconcile-given.js";
import { redisGiven } from "./settings/redis-given.js";
import { type JournalGiven, journalGiven, type ScheduleGiven, scheduleGiven } from "./settings/rotate-given.js";
import { socketGiven } from "./settings/socket-given.js";
import { type TelemetrySettings, telemetryGiven } from "./settings/telemetry-given.js";
import { fileGiven, type TlsSettings, type TlsTrust, tlsGiven, trustGiven } from "./settings/tls-given.js";
import { type Address, formatAddress, isLocal, type SocketAccess } from "./transport/address.js";

/** All that `serve` is told, checked and frozen. */
export interface ServeSettings {
  readonly policyFile: string;
  /** At least one, none twice. */
  readonly listen: readonly Address[];
  /** Where Envoy asks; undefined: nowhere. */
  readonly envoy?: EnvoySettings | undefined;
  /** For every listener on TCP, of callers and of Envoy; undefined: plain text. */
  readonly tls?: TlsSettings | undefined;
  /** Of their Unix sockets; their user and group alone where it is left out. */
  readonly socketAccess?: SocketAccess | undefined;
  /** undefined: no admin port. */
  readonly admin: Address | undefined;
  /** Nobody asked for the admin port by name: that its address is taken is then worth a warning only. */
  readonly adminIsDefault: boolean;
  /** A file with the token that operators must show; undefined: none. */
  readonly adminTokenFile?: string | undefined;
  readonly identity: IdentitySetting;
  /** Callers are taken at their word on a listener that other machines can reach: worth a warning. */
  readonly declaredIsExposed: boolean;
  /** Where counters are kept over a restart; undefined: nowhere. */
  readonly stateDirectory?: string | undefined;
  /** Where several replicas share their counters; undefined: they do not. */
  readonly redis?: RedisTarget | undefined;
  /** The file that says so, with its password; undefined: no file does. */
  readonly redisFile?: string | undefined;
  /** When Mistral's keys are rotated; undefined: they are not. */
  readonly rotation?: ScheduleGiven | undefined;
  readonly storeTimeoutMs: Millis;
  /** Of each listener of callers and of Envoy. */
  readonly maxConnections: number;
  /** Open at once on all connections of callers, and as many on those of Envoy. */
  readonly maxCalls: number;
  /** How long calls in flight may take once the process is told to end. */
  readonly drainGraceMs: Millis;
  /** How long calls are still taken after health says NOT_SERVING. */
  readonly drainDelayMs: Millis;
  readonly log: LogSettings;
  /** Where decisions are written; undefined: nowhere. */
  readonly decisionLog?: DecisionLogSettings | undefined;
  /** What is exported to OpenTelemetry; undefined: nothing. */
  readonly telemetry?: TelemetrySettings | undefined;
}

export type IdentitySetting =
  | { readonly kind: "declared" }
  | { readonly kind: "fixed"; readonly id: string }
  /** Callers prove who they are. */
  | { readonly kind: "credential" };

export interface LogSettings {
  readonly format: LogFormat;
  readonly level: LogLevel;
}

export const LOG_FORMATS = ["json", "text"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where the commands that ask a running server find it. */
export interface AskSettings {
  readonly server: Address;
  readonly adminServer: Address;
  /** How to reach the server by TLS; undefined: in plain text. */
  readonly tls?: TlsTrust | undefined;
  /** A file with the API key or the token to show to the server; undefined: none. */
  readonly credentialFile?: string | undefined;
  /** A file with the token to show to the admin port; undefined: none. */
  readonly adminTokenFile?: string | undefined;
  readonly timeoutMs: Millis;
}

/** What commands ask the admin port with. */
export type AdminAskSettings = Pick<AskSettings, "adminServer" | "adminTokenFile" | "timeoutMs">;

/** What the commands on keys are told. */
export type KeysSettings = KeysGiven & AdminAskSettings;

/** What `keys rotate` is told. */
export type RotateSettings = KeysSettings & JournalGiven;

/** Where settings come from. A flag wins over its variable. */
export interface Sources {
  readonly flags: Flags;
  /** The environment of this process when left out. */
  readonly env?: Environment;
}

const DEFAULT_LISTEN = "127.0.0.1:50051";

/**
 * Read the settings of `serve` from its flags and the variables `WINDBREAK_…`.
 *
 * @param sources with `isTerminal`: whether a person watches the log, which is then written as text.
 */
export function readServeSettings(sources: Sources & { readonly isTerminal: boolean }): SettingsRead<ServeSettings> {
  const reader = readerOf(sources);
  const policyFile = given(reader, "policy").at(-1)?.text ?? "";
  if (policyFile === "") {
    reader.faults.push({ where: "--policy", what: "missing", remedy: "give --policy FILE, or set WINDBREAK_POLICY" });
  }
  const listen = addressesGiven(reader, "listen", DEFAULT_LISTEN);
  const admin = adminGiven(reader);
  const envoy = envoyGiven(reader);
  refuseTwice(reader, [...listen, ...envoy.addresses, ...admin.addresses]);

  const identity = readIdentity(reader);
  const exposed = identity?.kind === "declared" ? listen.filter(({ address }) => !isLocal(address)) : [];
  if (!isOn(reader, "insecure-declared-identity")) reader.faults.push(...exposed.map(unsafe));
  const isPlain = identity?.kind === "credential" && given(reader, "tls-cert").length === 0;
  if (isPlain) reader.faults.push(...listen.filter(({ address }) => !isLocal(address)).map(readable));

  const stateDirectory = stateGiven(reader);
  const redis = redisGiven(reader);
  return finish(reader, {
    policyFile,
    listen: Object.freeze(listen.map(({ address }) => address)),
    envoy: envoy.settings,
    tls: tlsGiven(reader, [...listen, ...envoy.addresses]),
    socketAccess: socketGiven(reader, listen, envoy.addresses),
    admin: admin.address,
    adminIsDefault: given(reader, "admin").length === 0,
    adminTokenFile: admin.tokenFile,
    identity: identity ?? DECLARED,
    declaredIsExposed: exposed.length > 0,
    stateDirectory,
    redis,
    rotation: scheduleGiven(reader, { stateDirectory, redis }),
    redisFile: given(reader, "redis-file").at(-1)?.text,
    storeTimeoutMs: durationGiven(reader, "store-timeout", "50ms", 1),
    maxConnections: countGiven(reader, "max-connections", "10000"),
    maxCalls: countGiven(reader, "max-calls", "8192"),
    drainGraceMs: durationGiven(reader, "drain-grace", "30s", 0),
    drainDelayMs: durationGiven(reader, "drain-delay", "0s", 0),
    log: Object.freeze({
      format: choiceGiven(reader, "log-format", LOG_FORMATS, sources.isTerminal ? "text" : "json"),
      level: choiceGiven(reader, "log-level", LOG_LEVELS, "info"),
    }),
    decisionLog: decisionLogGiven(reader),
    telemetry: telemetryGiven(reader),
  });
}

/** Read where a running server is found, how it is reached, and how long it may take. */
export function readAskSettings(sources: Sources): SettingsRead<AskSettings> {
  const reader = readerOf(sources);
  const server = serverGiven(reader, "server", DEFAULT_LISTEN);
  const tls = trustGiven(reader, server);
  const credential = fileGiven(reader, "credential-file");
  if (credential && !tls && !isLocal(server.address)) {
    reader.faults.push(readableThere({ ...server, where: credential.where }));
  }
  return finish(reader, {
    server: server.address,
    adminServer: serverGiven(reader, "admin-server", DEFAULT_ADMIN).address,
    tls,
    credentialFile: credential?.text,
    adminTokenFile: fileGiven(reader, "admin-token-file")?.text,
    timeoutMs: durationGiven(reader, "timeout", "2s", 1),
  });
}

/** Read which keys are meant, where what is said of them lies, and where a running server is asked of their use. */
export function readKeysSettings(sources: Sources): SettingsRead<KeysSettings> {
  const reader = readerOf(sources);
  return finish(reader, keysSettings(reader));
}

/** Read what `keys rotate` is told: beside which keys, where it is written how far a rotation has come. */
export function readRotateSettings(sources: Sources): SettingsRead<RotateSettings> {
  const reader = readerOf(sources);
  const settings = keysSettings(reader);
  return finish(reader, { ...settings, ...journalGiven(reader, settings) });
}

function keysSettings(reader: Reader): KeysSettings {
  return {
    ...keysGiven(reader),
    adminServer: serverGiven(reader, "admin-server", DEFAULT_ADMIN).address,
    adminTokenFile: fileGiven(reader, "admin-token-file")?.text,
    timeoutMs: durationGiven(reader, "timeout", "2s", 1),
  };
}

/** Read what Mistral's bill is held against, and where a running server is asked what it counted. */
export function readReconcileSettings(sources: Sources): SettingsRead<ReconcileGiven & AdminAskSettings> {
  const reader = readerOf(sources);
  return finish(reader, {
    ...reconcileGiven(reader),
    adminServer: serverGiven(reader, "admin-server", DEFAULT_ADMIN).address,
    adminTokenFile: fileGiven(reader, "admin-token-file")?.text,
    timeoutMs: durationGiven(reader, "timeout", "2s", 1),
  });
}

/** Read a variable that the policy or the keys file names: it holds a secret, and is no setting. */
export function variable(name: string): string | undefined {
  return process.env[name];
}

function readerOf({ flags, env = process.env }: Sources): Reader {
  return { flags, env, faults: [] };
}

/** An empty flag is a slip, such as a shell variable that is not set: it must not mean that counters are forgotten. */
function stateGiven(reader: Reader): string | undefined {
  const asked = given(reader, "state").at(-1);
  if (asked?.text === "") reader.faults.push({ where: asked.where, what: "empty", remedy: "give --state DIR" });
  return asked?.text;
}

const DECLARED: IdentitySetting = Object.freeze({ kind: "declared" });
const CREDENTIAL: IdentitySetting = Object.freeze({ kind: "credential" });

function readIdentity(reader: Reader): IdentitySetting | undefined {
  const asked = given(reader, "identity").at(-1);
  if (!asked || asked.text === "declared") return DECLARED;
  if (asked.text === "credential") return CREDENTIAL;
  const id = /^fixed:(.+)$/s.exec(asked.text)?.[1];
  if (id !== undefined) return Object.freeze({ kind: "fixed", id });
  reader.faults.push({
    where: `${asked.where} ${asked.text}`,
    what: "no way to tell who asks",
    remedy: "give declared, credential, or fixed:ID with the id of a principal that the policy lists",
  });
  return undefined;
}

function unsafe({ where, address }: GivenAddress): SettingFault {
  return {
    where: `${where} ${formatAddress(address)}`,
    what: "whoever reaches this address could claim to be any principal",
    remedy:
      "listen on a Unix socket or loopback, give --identity credential or fixed:ID, or accept it by --insecure-declared-identity",
  };
}

function readable({ where, address }: GivenAddress): SettingFault {
  return {
    where: `${where} ${formatAddress(address)}`,
    what: "whoever is on the way could read the keys and tokens that callers send in plain text",
    remedy: "give --tls-cert and --tls-key, or listen on a Unix socket or loopback",
  };
}

function readableThere({ where, address }: GivenAddress): SettingFault {
  const what = `whoever is on the way to ${formatAddress(address)} could read it`;
  return { where, what, remedy: "ask by TLS (--tls-ca), a Unix socket or loopback" };
}
