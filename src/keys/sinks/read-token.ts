import { readSmallFile } from "../read-file.js";

/** Tokens of Kubernetes and of Vault are longer than keys. */
const MOST_BYTES = 64 * 1024;
const TOKEN = /^[!-~]+$/;

/** Read a token that goes into a header. @returns why there is none, as the end of a sentence that begins with where it is. */
export function tokenIn(text: string): { readonly token: string } | { readonly why: string } {
  const token = text.trim();
  return TOKEN.test(token) ? { token } : { why: "holds no token: visible ASCII characters without space" };
}

/** Read a token from a file, as it is now: tokens are renewed. */
export async function readTokenFile(path: string): Promise<{ readonly token: string } | { readonly why: string }> {
  const read = await readSmallFile(path, MOST_BYTES);
  return read.kind === "bytes" ? tokenIn(read.bytes.toString("latin1")) : { why: read.why };
}
