import { hostname } from "node:os";
import type { Clock } from "../app/ports.js";
import type { Millis } from "../domain/units.js";
import type { DecisionLogSettings, DecisionLogTarget, LoggedFile } from "../settings/decision-log-given.js";
import type { Entry } from "../telemetry/decisions/entry.js";
import { FileSink } from "../telemetry/decisions/file-sink.js";
import { jsonLines } from "../telemetry/decisions/json-lines.js";
import { type ByteSink, LineOutlet } from "../telemetry/decisions/line-outlet.js";
import { OtlpOutlet } from "../telemetry/decisions/otlp-outlet.js";
import type { Outlet } from "../telemetry/decisions/outlet.js";
import { QueuedDecisionLog } from "../telemetry/decisions/queued-decision-log.js";
import { stdoutSink } from "../telemetry/decisions/stdout-sink.js";
import type { Log } from "../telemetry/log.js";
import { VERSION } from "../version.js";

/** What a slow disk may keep the end of the process waiting. */
const FLUSH_MS: Millis = 2_000;

export type OpenedDecisionLog =
  | { readonly kind: "open"; readonly decisionLog: QueuedDecisionLog }
  | { readonly kind: "faulty"; readonly fault: string };

/** Open the decision log where the settings say. */
export async function openDecisionLog(
  settings: DecisionLogSettings,
  { clock, log, instance }: { readonly clock: Clock; readonly log: Log; readonly instance: string },
): Promise<OpenedDecisionLog> {
  const { target, share } = settings;
  const lineOf = jsonLines({ replica: `${hostname()}/${process.pid}`, share });
  const outlet = await openOutlet(target, { lineOf, instance, log });
  if ("fault" in outlet) return { kind: "faulty", fault: outlet.fault };
  const { place, remedy } = placeOf(target);
  const decisionLog = new QueuedDecisionLog({
    ...{ outlet, clock, share },
    changed: (cause) => {
      if (cause) log.error(`decision log ${place}: cannot be written to (${codeOf(cause)}); ${remedy}`);
      else log.info(`decision log ${place}: is written again`);
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

/** Where a target is, for the log, and what helps where it takes nothing. */
function placeOf(target: DecisionLogTarget): { readonly place: string; readonly remedy: string } {
  switch (target.kind) {
    case "stdout":
      return { place: "stdout", remedy: "make room there" };
    case "file":
      return { place: target.path, remedy: "make room there" };
    case "otlp":
      return { place: target.to, remedy: "see that a collector listens there and takes logs" };
  }
}

interface Opening {
  readonly lineOf: (entry: Entry) => string;
  readonly instance: string;
  readonly log: Log;
}

async function openOutlet(
  target: DecisionLogTarget,
  { lineOf, instance, log }: Opening,
): Promise<Outlet | { readonly fault: string }> {
  switch (target.kind) {
    case "stdout":
      return new LineOutlet(stdoutSink(process.stdout), lineOf);
    case "file": {
      const sink = await openFile(target, log);
      return "fault" in sink ? sink : new LineOutlet(sink, lineOf, target.maxBytes / 2);
    }
    case "otlp": {
      const { openLogTarget } = await import("../telemetry/decisions/otlp-exporter.js");
      return new OtlpOutlet(await openLogTarget(target.protocol, { version: VERSION, instance }), lineOf);
    }
  }
}

async function openFile({ path, maxBytes, files }: LoggedFile, log: Log): Promise<ByteSink | { fault: string }> {
  const stuck = (cause: Error) =>
    log.error(
      `decision log ${path}: cannot be set aside (${codeOf(cause)}), and grows on; make its directory writable`,
    );
  try {
    return await FileSink.open({ path, rotation: { maxBytes, files }, stuck });
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const fault = `--decision-log ${path}: cannot be written to (${codeOf(cause)}); name a file in a directory that is there and writable`;
    return { fault };
  }
}

function codeOf(cause: Error): string {
  return "code" in cause ? String(cause.code) : cause.message;
}
