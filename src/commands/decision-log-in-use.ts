import { hostname } from "node:os";
import type { Clock } from "../app/ports.js";
import type { Millis } from "../domain/units.js";
import type { DecisionLogSettings } from "../settings/decision-log-given.js";
import { FileSink } from "../telemetry/decisions/file-sink.js";
import { jsonLines } from "../telemetry/decisions/json-lines.js";
import { type ByteSink, LineOutlet } from "../telemetry/decisions/line-outlet.js";
import { QueuedDecisionLog } from "../telemetry/decisions/queued-decision-log.js";
import { stdoutSink } from "../telemetry/decisions/stdout-sink.js";
import type { Log } from "../telemetry/log.js";

/** What a slow disk may keep the end of the process waiting. */
const FLUSH_MS: Millis = 2_000;

export type OpenedDecisionLog =
  | { readonly kind: "open"; readonly decisionLog: QueuedDecisionLog }
  | { readonly kind: "faulty"; readonly fault: string };

/** Open the decision log where the settings say. */
export async function openDecisionLog(
  settings: DecisionLogSettings,
  clock: Clock,
  log: Log,
): Promise<OpenedDecisionLog> {
  const { file = "stdout", share, maxBytes } = settings;
  const sink = await openSink(settings, log);
  if ("fault" in sink) return { kind: "faulty", fault: sink.fault };
  const replica = `${hostname()}/${process.pid}`;
  const decisionLog = new QueuedDecisionLog({
    outlet: new LineOutlet(sink, jsonLines({ replica, share }), maxBytes / 2),
    clock,
    share,
    changed: (cause) => {
      if (cause) log.error(`decision log ${file}: cannot be written to (${codeOf(cause)}); make room there`);
      else log.info(`decision log ${file}: is written again`);
    },
    failed: (cause) => log.error("the decision log failed unexpectedly", cause),
  });
  return { kind: "open", decisionLog };
}

/** Write what waits, and say what was lost. @returns whether a write still hangs, which would keep the process alive. */
export async function closeDecisionLog(decisionLog: QueuedDecisionLog, log: Log): Promise<boolean> {
  const { lost, hangs } = await decisionLog.close(FLUSH_MS);
  if (lost > 0) log.warn(`decision log: ${lost} lines could not be written before the end`);
  return hangs;
}

async function openSink(
  { file, maxBytes, files }: DecisionLogSettings,
  log: Log,
): Promise<ByteSink | { fault: string }> {
  if (file === undefined) return stdoutSink(process.stdout);
  const stuck = (cause: Error) =>
    log.error(
      `decision log ${file}: cannot be set aside (${codeOf(cause)}), and grows on; make its directory writable`,
    );
  try {
    return await FileSink.open({ path: file, rotation: { maxBytes, files }, stuck });
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const fault = `--decision-log ${file}: cannot be written to (${codeOf(cause)}); name a file in a directory that is there and writable`;
    return { fault };
  }
}

function codeOf(cause: Error): string {
  return "code" in cause ? String(cause.code) : cause.message;
}
