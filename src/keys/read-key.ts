import type { SecretPlace } from "../domain/secret-place.js";
import { readSmallFile } from "./read-file.js";

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

/** Read a key from a file. Never throws for what the file system answers. */
export async function readKeyFile(path: string): Promise<KeyRead> {
  const read = await readSmallFile(path, MOST_BYTES);
  return read.kind === "bytes" ? keyOf(read.bytes.toString("latin1")) : read;
}

function keyOf(text: string): KeyRead {
  const key = text.trim();
  if (KEY.test(key)) return { kind: "key", key };
  return {
    kind: "none",
    why: key === "" ? "is empty" : "holds no key: 1 to 512 visible ASCII characters without space",
  };
}
