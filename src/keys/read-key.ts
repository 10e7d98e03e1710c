import type { BigIntStats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { SecretPlace } from "../domain/policy.js";

/** What lies at a place: a key, or why there is none. Never shows what was there instead. */
export type KeyRead = { readonly kind: "key"; readonly key: string } | { readonly kind: "none"; readonly why: string };

/** Visible ASCII goes into a header as it is; more of it no key has. */
const KEY = /^[!-~]{1,512}$/;

/** Larger files are no keys, and not read. */
const MOST_BYTES = 4_096;

/** Name a place for a person. */
export function placeText(place: SecretPlace): string {
  return place.kind === "file" ? `the file ${place.path}` : `the variable ${place.name}`;
}

/** Read a key from what an environment variable holds. */
export function keyIn(value: string | undefined): KeyRead {
  return value === undefined ? { kind: "none", why: "is not set" } : keyOf(value);
}

/** What a path led to, through links. Equal stamps mean that nothing there has changed. */
export async function stampOf(path: string): Promise<string> {
  const found = await answered(stat(path, { bigint: true }));
  return "code" in found ? found.code : stampFrom(found);
}

/** Read a key from a file. Never throws for what the file system answers. */
export async function readKeyFile(path: string): Promise<KeyRead> {
  const found = await answered(stat(path, { bigint: true }));
  if ("code" in found) return unreadable(found);
  // Opening a pipe would wait for its writer.
  if (!found.isFile()) return { kind: "none", why: "is no regular file" };
  if (found.size > MOST_BYTES) return { kind: "none", why: `has more than ${MOST_BYTES} bytes` };
  const read = await answered(readFile(path, "latin1"));
  return typeof read === "string" ? keyOf(read) : unreadable(read);
}

function keyOf(text: string): KeyRead {
  const key = text.trim();
  if (KEY.test(key)) return { kind: "key", key };
  return {
    kind: "none",
    why: key === "" ? "is empty" : "holds no key: 1 to 512 visible ASCII characters without space",
  };
}

function unreadable({ code }: Refusal): KeyRead {
  return { kind: "none", why: code === "ENOENT" ? "does not exist" : `cannot be read (${code})` };
}

function stampFrom({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

interface Refusal {
  readonly code: string;
}

/** What the file system answers, its refusals included; anything else is thrown. */
async function answered<T>(asked: Promise<T>): Promise<T | Refusal> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string") return { code: error.code };
    throw error;
  }
}
