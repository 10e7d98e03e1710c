import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isRefusal } from "./read-file.js";

/** What others may do with a file, by the bit of its mode that lets them. */
const OTHERS = { read: 0o004, write: 0o002 } as const;
const OTHERS_ENTER = 0o001;

/**
 * Say whether every account of this machine can read or write a file, as its mode and those of all directories above have it.
 *
 * Through links. Access lists and other mounts are not looked at. false where that cannot be told: whoever reads the
 * file says why.
 */
export async function isOpenToOthers(path: string, by: keyof typeof OTHERS): Promise<boolean> {
  try {
    const file = await realpath(path);
    if (((await stat(file)).mode & OTHERS[by]) === 0) return false;
    for (let above = dirname(file); ; above = dirname(above)) {
      if (((await stat(above)).mode & OTHERS_ENTER) === 0) return false;
      if (above === dirname(above)) return true;
    }
  } catch (error) {
    if (isRefusal(error)) return false;
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
