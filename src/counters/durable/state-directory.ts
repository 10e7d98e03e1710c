import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Random24 } from "../memory/ids.js";
import { holdDirectory } from "./lock.js";
import { errorCode } from "./system-error.js";

const OWNER_ONLY = 0o700;

/** What a person can mend. */
export interface FaultyDirectory {
  readonly kind: "faulty";
  /** One line: where, what, remedy. */
  readonly fault: string;
}

/**
 * Hold a directory, which is made where there is none, and open what is kept in it. No other process on this machine
 * holds it until `release` is called, or this process ends.
 *
 * @param open says what it opened, or what is at fault; then, and where it throws, the directory is released.
 * @throws only what is unexpected: what a person can mend comes as a fault.
 */
export async function openIn<Opened extends { readonly kind: string }>(
  directory: string,
  random: Random24,
  open: (release: () => void) => Promise<Opened> | Opened,
): Promise<Opened | FaultyDirectory> {
  try {
    makeDirectory(resolve(directory));
    if (!statSync(directory).isDirectory()) return faulty(directory, NO_DIRECTORY);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    const lock = await holdDirectory(directory, tokenOf(random));
    if (lock.kind === "taken") {
      const by = lock.by === undefined ? "another process" : `process ${lock.by}`;
      return faulty(directory, `in use by ${by}; stop it, or give another directory`);
    }
    try {
      const opened = await open(lock.release);
      if (opened.kind === "faulty") lock.release();
      return opened;
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return faulty(directory, FAULTS.get(code) ?? `cannot be used (${code}); give another directory`);
  }
}

/** Not by `recursive`, which never returns where nothing can be made, as in /proc. */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  mkdirSync(path, { mode: OWNER_ONLY });
}

const NO_DIRECTORY = "is no directory; give another path, or move the file away";
const FORBIDDEN = "may not be written; let the user of this process read and write it, or give another directory";

const FAULTS: ReadonlyMap<string, string> = new Map([
  ["EEXIST", NO_DIRECTORY],
  ["ENOENT", "cannot be made; give another directory"],
  ["ENOTDIR", "a part of the path is no directory; give another path"],
  ["EACCES", FORBIDDEN],
  ["EPERM", FORBIDDEN],
  ["EROFS", "is on a disk that may only be read; give another directory"],
  ["ENOSPC", "has no space left; free some, or give another directory"],
  ["EDQUOT", "has no space left for this user; free some, or give another directory"],
  ["ENAMETOOLONG", "is too long a path; give another directory"],
]);

/** Say what is wrong with a directory. */
export function faulty(directory: string, what: string): FaultyDirectory {
  return { kind: "faulty", fault: `--state ${directory}: ${what}` };
}

function tokenOf(random: Random24): string {
  return Array.from({ length: 5 }, () => random().toString(36)).join("");
}
