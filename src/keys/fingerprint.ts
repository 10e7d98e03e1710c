import { hash } from "node:crypto";

const DIGITS = 16;

/** Tell a Mistral key from others without showing it: the first 16 hexadecimal digits of its SHA-256. */
export function fingerprintOf(secret: string): string {
  return hash("sha256", secret, "hex").slice(0, DIGITS);
}
