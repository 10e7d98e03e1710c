import type { ServeSettings } from "../settings.js";
import type { Log } from "../telemetry/log.js";
import type { Telemetry } from "../telemetry/open-telemetry.js";
import { VERSION } from "../version.js";

/** How long the last of what is to be exported may take once all calls are over. */
const FLUSH_MS = 2_000;

/** Start to export what OpenTelemetry's variables ask for; undefined: nothing, and nothing is loaded for it. */
export async function openTelemetryFor(
  { telemetry, redis }: ServeSettings,
  instance: string,
  log: Log,
): Promise<Telemetry | undefined> {
  if (!telemetry) return undefined;
  const { traces, metrics, detectsResource } = telemetry;
  const { openTelemetry } = await import("../telemetry/open-telemetry.js");
  const opened = await openTelemetry({
    ...{ version: VERSION, instance },
    traces: traces !== undefined,
    metrics,
    detectsResource,
    knowsServer: redis?.kind !== "sentinel",
    warn: (line) => log.warn(line),
  });
  const exported = [...(traces ? [`traces to ${traces}`] : []), ...(metrics ? [`metrics to ${metrics.to}`] : [])];
  log.info(`exporting ${exported.join(" and ")}, as OTEL_… variables say`);
  return opened;
}

/**
 * Export what is left, but not for long.
 *
 * A request that a collector never answers would keep the process alive after all else has ended, so its end is then made.
 */
export async function closeTelemetry(telemetry: Telemetry | undefined, log: Log, exitCode: number): Promise<void> {
  if ((await telemetry?.close(FLUSH_MS)) !== "cut") return;
  log.warn("what was left of traces and metrics could not be exported in time");
  setTimeout(() => process.exit(exitCode)).unref();
}
