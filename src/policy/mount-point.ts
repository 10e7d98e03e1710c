import { readFile, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { printable } from "../domain/printable.js";

/**
 * Warn of a policy file that is itself a mount point: a Kubernetes `subPath`, or a single file given to a container.
 *
 * Such a mount holds on to the file that was there at the start: a replacement by rename never arrives, and the old
 * policy stays in force without a word.
 *
 * @param mountinfo where Linux lists this process's mounts; elsewhere there is no such file, and no warning.
 */
export async function mountPointWarning(file: string, mountinfo = "/proc/self/mountinfo"): Promise<string | undefined> {
  const mounts = await unlessRefused(readFile(mountinfo, "latin1"));
  if (mounts === undefined) return undefined;

  const paths = [resolve(file), await unlessRefused(realpath(file))];
  if (!mountPoints(mounts).some((point) => paths.includes(point))) return undefined;
  return (
    `${printable(file)} is itself a mount point (a Kubernetes subPath or a single mounted file): a new version that replaces ` +
    "it by rename never arrives here; mount its directory instead"
  );
}

/** The fifth field of each line: proc_pid_mountinfo(5). */
function mountPoints(mountinfo: string): readonly string[] {
  return mountinfo.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined ? [] : [decoded(point)];
  });
}

/** Blanks and backslashes stand as octal escapes of their bytes; every other byte stands for itself. */
function decoded(escaped: string): string {
  const bytes = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** undefined where the file system refuses; anything else is thrown. */
async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
