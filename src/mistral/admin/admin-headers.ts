import type { AdminApi } from "../../domain/keys-file.js";

/** Make the headers that show the admin key. */
export function adminHeaders(auth: AdminApi["auth"], key: string): Readonly<Record<string, string>> {
  return auth === "bearer" ? { authorization: `Bearer ${key}` } : { "x-api-key": key };
}
