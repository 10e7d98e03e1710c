import type { SecretSink } from "../../app/key-ports.js";

export type Stored = Awaited<ReturnType<SecretSink["store"]>>;
export type Found = Awaited<ReturnType<SecretSink["read"]>>;

/** A secret that was not stored, and why. */
export function failed(why: string): Stored & { readonly kind: "failed" } {
  return { kind: "failed", why };
}
