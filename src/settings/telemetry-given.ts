import type { Millis } from "../domain/units.js";
import type { Reader, SettingFault } from "./given.js";
import { faultsOfHeaders } from "./otlp-headers.js";

/** How what is exported travels. */
export type OtlpProtocol = "grpc" | "http/json" | "http/protobuf";

/** What is exported, as OpenTelemetry's own variables say. What is not read here, its SDK reads itself. */
export interface TelemetrySettings {
  /** Whether calls are followed, and where that goes, for the log; undefined: they are not. */
  readonly traces: string | undefined;
  /** undefined: metrics are not exported. */
  readonly metrics: MetricsExport | undefined;
  /** Whoever exports is described by OTEL_NODE_RESOURCE_DETECTORS, and not by names that it is given alone. */
  readonly detectsResource: boolean;
}

export interface MetricsExport {
  /** Where they go, for the log. */
  readonly to: string;
  readonly protocol: OtlpProtocol;
  readonly intervalMs: Millis;
  /** Never above the interval. */
  readonly timeoutMs: Millis;
}

export interface LogsExport {
  /** Where they go, for the log. */
  readonly to: string;
  readonly protocol: OtlpProtocol;
}

type Signal = "TRACES" | "METRICS" | "LOGS";

const PROTOCOLS = ["grpc", "http/json", "http/protobuf"] as const;
const INTERVAL_MS: Millis = 60_000;
const TIMEOUT_MS: Millis = 30_000;

/**
 * Read whether traces and metrics are to be exported; undefined: neither is, and nothing of OpenTelemetry's SDK is loaded.
 *
 * An endpoint that is none is a fault: the SDK would export to this machine in its place; and so are headers that none
 * can carry. Both may hold a secret, and are not repeated.
 */
export function telemetryGiven({ env, faults }: Pick<Reader, "env" | "faults">): TelemetrySettings | undefined {
  const text = textIn(env);
  if (isDisabled(text)) return undefined;
  const traces = targetOf("TRACES", text);
  const metrics = targetOf("METRICS", text);
  for (const target of [traces, metrics]) if (target?.isFaulty) addOnce(faults, [noUrl(target.where)]);
  if (!traces && !metrics) return undefined;
  if (traces) addOnce(faults, faultsOfHeaders("TRACES", text));
  if (metrics) addOnce(faults, faultsOfHeaders("METRICS", text));
  return Object.freeze({
    traces: traces?.to,
    metrics: metrics && Object.freeze({ ...paceOf(text), ...metricsTo(metrics.to, text) }),
    detectsResource: text("OTEL_NODE_RESOURCE_DETECTORS") !== "",
  });
}

/**
 * Read where logs are exported to; its callers know that they are.
 *
 * @param asked the flag or the variable that asks for it: a fault where all exports are turned off besides.
 */
export function logsGiven({ env, faults }: Pick<Reader, "env" | "faults">, asked: string): LogsExport {
  const text = textIn(env);
  if (isDisabled(text)) {
    const remedy = "unset OTEL_SDK_DISABLED, or write the decision log elsewhere";
    faults.push({ where: `${asked} otlp`, what: "goes nowhere while OTEL_SDK_DISABLED is true", remedy });
  }
  const { to, where, isFaulty } = placeOf("LOGS", text);
  if (isFaulty) addOnce(faults, [noUrl(where)]);
  addOnce(faults, faultsOfHeaders("LOGS", text));
  return { to, protocol: protocolOf("LOGS", text) };
}

type Text = (name: string) => string;

function textIn(env: Reader["env"]): Text {
  return (name) => env[name]?.trim() ?? "";
}

function isDisabled(text: Text): boolean {
  return text("OTEL_SDK_DISABLED").toLowerCase() === "true";
}

/** Several signals may share a variable. */
function addOnce(faults: SettingFault[], found: readonly SettingFault[]): void {
  faults.push(...found.filter(({ where }) => !faults.some((fault) => fault.where === where)));
}

function noUrl(where: string): SettingFault {
  return { where, what: "is no URL", remedy: "write it as http://HOST:4318" };
}

interface Target {
  /** For the log. */
  readonly to: string;
  /** The variable that says so. */
  readonly where: string;
  readonly isFaulty: boolean;
}

/** Other exporters than OTLP's are not for this service to open: metrics have their admin port. */
function targetOf(signal: Signal, text: Text): Target | undefined {
  const exporters = text(`OTEL_${signal}_EXPORTER`)
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  const place = placeOf(signal, text);
  const isOn = exporters.length > 0 ? exporters.includes("otlp") && exporters[0] !== "none" : place.isGiven;
  return isOn ? place : undefined;
}

function placeOf(signal: Signal, text: Text): Target & { readonly isGiven: boolean } {
  const own = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
  const where = text(own) === "" ? "OTEL_EXPORTER_OTLP_ENDPOINT" : own;
  const endpoint = text(where);
  const isGrpc = protocolOf(signal, text) === "grpc";
  const to = shown(endpoint || `http://localhost:${isGrpc ? 4317 : 4318}`, isGrpc);
  return { to: to ?? "", where, isFaulty: to === undefined, isGiven: endpoint !== "" };
}

function metricsTo(to: string, text: Text) {
  return { to, protocol: protocolOf("METRICS", text) };
}

/** As the SDK takes it for traces: what it does not know is its default. */
function protocolOf(signal: Signal, text: Text): OtlpProtocol {
  const asked = text(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`) || text("OTEL_EXPORTER_OTLP_PROTOCOL");
  return PROTOCOLS.find((one) => one === asked) ?? "http/protobuf";
}

function paceOf(text: Text): Pick<MetricsExport, "intervalMs" | "timeoutMs"> {
  const intervalMs = millisOf(text("OTEL_METRIC_EXPORT_INTERVAL"), INTERVAL_MS);
  return { intervalMs, timeoutMs: Math.min(intervalMs, millisOf(text("OTEL_METRIC_EXPORT_TIMEOUT"), TIMEOUT_MS)) };
}

function millisOf(text: string, otherwise: Millis): Millis {
  return /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : otherwise;
}

/** Without what may be secret in it: a user, a password, a query. undefined: it is no endpoint. gRPC's may be a bare one. */
function shown(endpoint: string, isGrpc: boolean): string | undefined {
  if (isGrpc && /^[\w.-]+:\d{1,5}$/.test(endpoint)) return endpoint;
  if (!/^https?:/i.test(endpoint) || !URL.canParse(endpoint)) return undefined;
  const { protocol, host, pathname } = new URL(endpoint);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}
