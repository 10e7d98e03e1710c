import { hash } from "node:crypto";

const DIGITS = 16;

/**
 * Name a secret by the first 16 hexadecimal digits of its SHA-256, so that it is known again and never told.
 *
 * For secrets that nobody can guess, of 128 random bits and more: from a fingerprint they cannot be found.
 */
export function fingerprintOf(secret: string): string {
  return hash("sha256", secret, "hex").slice(0, DIGITS);
}
