/** Codes of failures that come before a request has left. */
const BEFORE_IT_LEFT: ReadonlySet<unknown> = new Set([
  "EACCES",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Say whether a call failed before Mistral could begin it. Where that is not plain, Mistral may have begun. */
export function wasNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && BEFORE_IT_LEFT.has(error.code)) return true;
  // A name with several addresses fails once for each.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNeverSent);
  return wasNeverSent(error.cause);
}
