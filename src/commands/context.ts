import { printable } from "../domain/printable.js";
import type { EpochMs } from "../domain/units.js";
import { type Environment, type Flags, formatSettingFault, type SettingFault } from "../settings/given.js";

/** Takes text, line breaks included. */
export interface Out {
  write(text: string): unknown;
}

/** The world that a command sees besides files and servers. */
export interface Io {
  /** Answers. */
  readonly stdout: Out;
  /** Whatever is wrong, one line each. */
  readonly stderr: Out;
  /** What is piped in; left out where nothing can be. */
  readonly stdin?: () => AsyncIterable<Uint8Array>;
  /** Whether a person reads stderr as it comes. */
  readonly isTerminal: boolean;
  readonly now: () => EpochMs;
}

/** What one command was called with. */
export interface Context {
  readonly io: Io;
  readonly flags: Flags;
  /** What is no flag: a file, an id. */
  readonly args: readonly string[];
  /** The environment of this process when left out. */
  readonly env?: Environment;
}

/** A command: does it, and returns the exit code. Expected failures are told on stderr, never thrown. */
export type Command = (context: Context) => Promise<number>;

/** What a shell is told. */
export const EXIT = {
  done: 0,
  /** The answer is no: denied, not serving, the check found something. */
  no: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** What is needed could not be reached. */
  unreachable: 3,
} as const;

/** Why a command cannot do what it was asked. */
export interface Failure {
  readonly kind: "failure";
  readonly exitCode: number;
  /** For a person: what, where, remedy. */
  readonly line: string;
}

/** Make a failure. */
export function failure(exitCode: number, line: string): Failure {
  return { kind: "failure", exitCode, line };
}

/** Tell a failure on stderr. @returns its exit code. */
export function fail({ stderr }: Io, { exitCode, line }: Failure): number {
  stderr.write(`${printable(line)}\n`);
  return exitCode;
}

/** Tell every fault of how a command was called on stderr. @returns the exit code for wrong usage. */
export function failUsage({ stderr }: Io, faults: readonly SettingFault[]): number {
  for (const fault of faults) stderr.write(`${formatSettingFault(fault)}\n`);
  return EXIT.usage;
}

/** Read whether a flag that takes no value was given. */
export function isGiven(flags: Flags, name: string): boolean {
  return flags[name] === true;
}

/** Read a flag that takes a value; empty where it was not given. */
export function textOf(flags: Flags, name: string): string {
  const value = flags[name];
  return typeof value === "string" ? value : "";
}
