import { access, constants, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isRefusal } from "./read-file.js";

/** What others may do with a file, by the bit of its mode that lets them. */
const OTHERS = { read: 0o004, write: 0o002 } as const;
const OTHERS_ENTER = 0o001;
/** Of a directory such as /tmp, where nobody moves what is another's. */
const STICKY = 0o1000;

/**
 * Say whether every account of this machine can read or write a file, as its mode and those of all directories above have it.
 *
 * Through links. In a directory that others can write they can put another file in its place. Access lists and other mounts are not looked at. false where that cannot be told: whoever reads the
 * file says why.
 */
export async function isOpenToOthers(path: string, by: keyof typeof OTHERS): Promise<boolean> {
  try {
    const file = await realpath(path);
    let isOpen = ((await stat(file)).mode & OTHERS[by]) !== 0;
    for (let above = dirname(file); ; above = dirname(above)) {
      const { mode } = await stat(above);
      if ((mode & OTHERS_ENTER) === 0) isOpen = false;
      else if (by === "write" && (await isExchanged(above, mode))) isOpen = true;
      if (above === dirname(above)) return isOpen;
    }
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Whether others can put something else in the place of what a directory holds. Kubernetes mounts such ones read-only. */
async function isExchanged(directory: string, mode: number): Promise<boolean> {
  if ((mode & OTHERS.write) === 0 || (mode & STICKY) !== 0) return false;
  try {
    await access(directory, constants.W_OK);
    return true;
  } catch (error) {
    if (isRefusal(error)) return error.code !== "EROFS";
    throw error;
  }
}

/** Warn of each file that holds a secret and is open to others, once. */
export async function warningsOfOpenFiles(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    [...new Set(paths)].map(async (path) => ((await isOpenToOthers(path, "read")) ? [warning(path)] : [])),
  );
  return found.flat();
}

function warning(path: string): string {
  return `${path}: holds a secret, and every account of this machine can read it; chmod o-r it (Kubernetes: defaultMode: 0440)`;
}
