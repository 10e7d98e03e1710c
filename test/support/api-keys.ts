import { createHash } from "node:crypto";
import { hashApiKey, makeApiKey } from "../../src/identity/api-key.js";

/** The API key of a seed: the same for the same, and as good as any. */
export function apiKeyOf(seed: string): string {
  return makeApiKey((count) => createHash("sha256").update(seed).digest().subarray(0, count));
}

/** What a policy holds of the key of a seed. */
export function apiKeyHashOf(seed: string): string {
  return hashApiKey(apiKeyOf(seed));
}
