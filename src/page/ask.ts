/** What came of asking the admin port. */
export type Answer<T> =
  | { readonly kind: "answer"; readonly value: T }
  /** It wants the token, or another one. */
  | { readonly kind: "token_wanted" }
  /** This version has no such path. */
  | { readonly kind: "missing" }
  /** It answered that it cannot. */
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "no_answer" };

const TIMEOUT_MS = 5_000;
const TOKEN = "windbreak-admin-token";

/** Keep the admin token for as long as this tab is open, and nowhere else. */
export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Ask the admin port for JSON; the caller says what is in it, as this version's own program does. */
export async function ask<T>(path: string): Promise<Answer<T>> {
  const token = sessionStorage.getItem(TOKEN);
  try {
    const response = await fetch(path, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
      credentials: "omit",
      ...(token === null ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
    if (response.status === 401) return { kind: "token_wanted" };
    if (response.status === 404) return { kind: "missing" };
    const body: unknown = await response.json();
    // The status of readiness is part of what is told.
    if (response.ok) return { kind: "answer", value: body as T };
    const why = typeof body === "object" && body !== null && "error" in body ? String(body.error) : "";
    return { kind: "refused", why: why || `HTTP ${response.status}` };
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError) {
      return { kind: "no_answer" };
    }
    throw error;
  }
}
