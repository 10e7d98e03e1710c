import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DurableStore } from "../../../../src/counters/durable/durable-store.js";
import {
  type DurableOptions,
  openDurableStore,
  type Restored,
} from "../../../../src/counters/durable/open-durable-store.js";
import { seededRandom24 } from "../../../support/seeded-random.js";

/** In memory where there is such a place: nothing here is about power cuts, and syncing takes milliseconds on a disk. */
const ROOT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A place for state directories, and what to do once it is not needed. */
export function stateRoot() {
  const root = mkdtempSync(join(ROOT, "state-"));
  let made = 0;
  return {
    root,
    /** A path where nothing is yet. */
    next: () => join(root, String(++made)),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Lines that were said. */
export class SaidLines {
  readonly info: (line: string) => void;
  readonly warn: (line: string) => void;
  readonly error: (line: string, cause?: unknown) => void;
  readonly lines: string[] = [];

  constructor() {
    this.info = (line) => void this.lines.push(`info ${line}`);
    this.warn = (line) => void this.lines.push(`warn ${line}`);
    this.error = (line) => void this.lines.push(`error ${line}`);
  }
}

export interface Opened {
  readonly store: DurableStore;
  readonly restored: Restored;
}

/** Open what can be opened. @throws Error with the fault where it cannot. */
export async function openState(directory: string, options: Partial<DurableOptions> = {}): Promise<Opened> {
  const opened = await openDurableStore({ directory, random: seededRandom24(1), log: new SaidLines(), ...options });
  if (opened.kind === "faulty") throw new Error(opened.fault);
  return opened;
}

/** Copy the journals of a directory, as a crash at this moment would leave them. */
export function copyJournals(from: string, to: string): void {
  mkdirSync(to);
  for (const name of journalsIn(from)) copyFileSync(join(from, name), join(to, name));
}

/** The names of all journals in a directory, in order. */
export function journalsIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^journal-\d+$/.test(name))
    .sort();
}
