import { type Given, given, type Reader } from "./given.js";
import { type LogsExport, logsGiven } from "./telemetry-given.js";

/** Where decisions are written, and how many of them. */
export interface DecisionLogSettings {
  readonly target: DecisionLogTarget;
  /** Which share of the allowed decisions is written, 0 to 1. */
  readonly share: number;
}

export type DecisionLogTarget = { readonly kind: "stdout" } | LoggedFile | ({ readonly kind: "otlp" } & LogsExport);

export interface LoggedFile {
  readonly kind: "file";
  readonly path: string;
  /** A file that would grow beyond this is set aside first. */
  readonly maxBytes: number;
  /** How many are kept aside. */
  readonly files: number;
}

const STDOUT = "stdout";
const OTLP = "otlp";
const SHARE = "decision-log-sample";
const MAX_BYTES = "decision-log-max-bytes";
const FILES = "decision-log-files";

const DEFAULT_MAX_BYTES = 100 * 1024 * 1024;
/** Some batches of lines. */
const LEAST_MAX_BYTES = 64 * 1024;
const DEFAULT_FILES = 5;
const MOST_FILES = 1_000;

/** Read `--decision-log` and what belongs to it; undefined: no log is written. */
export function decisionLogGiven(reader: Reader): DecisionLogSettings | undefined {
  const asked = given(reader, "decision-log").at(-1);
  const share = shareGiven(reader);
  const maxBytes = wholeGiven(reader, MAX_BYTES, LEAST_MAX_BYTES, Number.MAX_SAFE_INTEGER);
  const files = wholeGiven(reader, FILES, 0, MOST_FILES);
  if (!asked) {
    for (const name of [SHARE, MAX_BYTES, FILES]) refuseIdle(reader, name, "--decision-log");
    return undefined;
  }
  if (asked.text === "") {
    reader.faults.push({ where: asked.where, what: "empty", remedy: "give stdout, otlp or a file, or leave it out" });
  }
  const target = targetOf(reader, asked, { maxBytes: maxBytes ?? DEFAULT_MAX_BYTES, files: files ?? DEFAULT_FILES });
  if (target.kind !== "file") {
    for (const name of [MAX_BYTES, FILES]) refuseIdle(reader, name, "--decision-log FILE");
  }
  return Object.freeze({ target: Object.freeze(target), share: share ?? 1 });
}

function targetOf(reader: Reader, asked: Given, rotation: Pick<LoggedFile, "maxBytes" | "files">): DecisionLogTarget {
  if (asked.text === STDOUT) return { kind: "stdout" };
  if (asked.text === OTLP) return { kind: "otlp", ...logsGiven(reader, asked.where) };
  return { kind: "file", path: asked.text, ...rotation };
}

/** A variable may be there for another start; a flag is meant for this one. */
function refuseIdle(reader: Reader, name: string, without: string): void {
  const idle = given(reader, name).at(-1);
  if (!idle?.where.startsWith("--")) return;
  reader.faults.push({ where: idle.where, what: `is of no use without ${without}`, remedy: `give ${without} too` });
}

function shareGiven(reader: Reader): number | undefined {
  const asked = given(reader, SHARE).at(-1);
  if (!asked) return undefined;
  const share = /^\d*\.?\d+$/.test(asked.text) ? Number(asked.text) : Number.NaN;
  if (share >= 0 && share <= 1) return share;
  return misgiven(reader, asked, "no share from 0 to 1", "write 0.01 for one in a hundred allowed decisions");
}

function wholeGiven(reader: Reader, name: string, least: number, most: number): number | undefined {
  const asked = given(reader, name).at(-1);
  if (!asked) return undefined;
  const number = /^\d+$/.test(asked.text) ? Number(asked.text) : Number.NaN;
  if (number >= least && number <= most) return number;
  return misgiven(reader, asked, `no whole number from ${least} to ${most}`, "write it in digits");
}

function misgiven(reader: Reader, { where, text }: Given, what: string, remedy: string): undefined {
  reader.faults.push({ where: `${where} ${text}`, what, remedy });
}
