import type { Millis } from "../domain/units.js";
import { type KeySetRead, MOST_KEY_SET_BYTES, readKeySet } from "./read-key-set.js";

/** A key set as its issuer publishes it, with its text, by which a change is seen. */
export type Fetched = { readonly read: KeySetRead; readonly text: string };

/**
 * Get a key set by HTTP, within a time and a size.
 *
 * Redirects are not followed: the policy names the host whose keys it trusts. Never throws for what the network or the
 * issuer does.
 *
 * @param signal ends it early.
 */
export async function fetchKeySet(url: string, timeoutMs: Millis, signal: AbortSignal): Promise<Fetched> {
  const none = (why: string): Fetched => ({ read: { kind: "bad", why }, text: "" });
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { accept: "application/jwk-set+json, application/json" },
      signal: AbortSignal.any([late, signal]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      return none(`answers with ${response.status}`);
    }
    const text = await readText(response);
    return text === undefined
      ? none(`answers with more than ${MOST_KEY_SET_BYTES} bytes`)
      : { read: readKeySet(text), text };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (late.aborted) return none(`does not answer within ${timeoutMs} ms`);
    return none(`cannot be reached (${causeOf(error)})`);
  }
}

async function readText({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // Leaving the loop ends the answer.
    if (bytes > MOST_KEY_SET_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Fetch says of everything that it failed; why stands in the cause. */
function causeOf({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message;
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
