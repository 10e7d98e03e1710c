import type { BigIntStats } from "node:fs";
import { readFile, stat } from "node:fs/promises";

/** What a small file holds, or why that cannot be had, as the end of a sentence that begins with the file. */
export type FileRead =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "none"; readonly why: string };

/** What a path led to, through links. Equal stamps mean that nothing there has changed. */
export async function stampOf(path: string): Promise<string> {
  const found = await answered(stat(path, { bigint: true }));
  return "code" in found ? found.code : stampFrom(found);
}

/** Read a file of at most so many bytes. Never throws for what the file system answers. */
export async function readSmallFile(path: string, mostBytes: number): Promise<FileRead> {
  const found = await answered(stat(path, { bigint: true }));
  if ("code" in found) return unreadable(found);
  // Opening a pipe would wait for its writer.
  if (!found.isFile()) return { kind: "none", why: "is no regular file" };
  if (found.size > mostBytes) return { kind: "none", why: `has more than ${mostBytes} bytes` };
  const read = await answered(readFile(path));
  return Buffer.isBuffer(read) ? { kind: "bytes", bytes: read } : unreadable(read);
}

function unreadable({ code }: Refusal): FileRead {
  return { kind: "none", why: code === "ENOENT" ? "does not exist" : `cannot be read (${code})` };
}

function stampFrom({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

interface Refusal {
  readonly code: string;
}

/** Whether an error is the file system's answer, such as ENOENT. */
export function isRefusal(error: unknown): error is Error & Refusal {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/** What the file system answers, its refusals included; anything else is thrown. */
async function answered<T>(asked: Promise<T>): Promise<T | Refusal> {
  try {
    return await asked;
  } catch (error) {
    if (isRefusal(error)) return { code: error.code };
    throw error;
  }
}
