import type { IncomingMessage } from "node:http";

export type Body =
  | { readonly kind: "body"; readonly bytes: Buffer }
  | { readonly kind: "too_large" }
  /** The client left before it had sent everything. */
  | { readonly kind: "cut" };

/**
 * Read a request's body into memory, up to a size.
 *
 * What comes beyond it is dropped as it arrives, so that the answer can still be sent; the server's request timeout
 * bounds how long that may take.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else resolve({ kind: "too_large" });
    });
    request.on("end", () => resolve({ kind: "body", bytes: Buffer.concat(chunks) }));
    request.on("error", () => resolve({ kind: "cut" }));
    request.on("close", () => resolve({ kind: "cut" }));
  });
}
