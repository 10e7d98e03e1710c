import type { KeyOrder } from "../../../../src/app/key-ports.js";
import { AdminKeys } from "../../../../src/mistral/admin/admin-keys.js";
import { instant } from "../../../support/fake-clock.js";
import { AdminServer, type AdminServerOptions, type LiveKey } from "../../../support/mistral/admin-server.js";

/** The time that the server and its client see. */
export const NOW = instant("2026-11-29T12:00:00Z");

/** A provider at a server, with the waits that it took between tries. */
export async function adminStage(
  options: AdminServerOptions = {},
  words: { key?: string; auth?: "x-api-key" | "bearer" } = {},
) {
  const { dialect = "admin" } = options;
  const server = await AdminServer.start({ now: () => NOW, ...options });
  const waits: number[] = [];
  const wire = {
    fetch,
    now: () => NOW,
    pause: async (ms: number) => void waits.push(ms),
    timeoutMs: 2_000,
    userAgent: "windbreak/test",
  };
  const { key = server.adminKey, auth = dialect === "admin" ? "x-api-key" : "bearer" } = words;
  const at = (url: string, timeoutMs = wire.timeoutMs) =>
    new AdminKeys({ api: { dialect, url, auth }, key, wire: { ...wire, timeoutMs } });
  return { server, waits, at, provider: at(server.url) };
}

/** A key that lives at the server, by its number. */
export const liveKey = (index: number, words: Partial<LiveKey> = {}): LiveKey => ({
  id: `k${index}`,
  name: `key ${index}`,
  secret: `secret-${index}-abcdefgh`,
  workspace: "w1",
  createdAt: NOW,
  ...words,
});
/** So many keys, numbered from 0. */
export const liveKeys = (count: number) => Array.from({ length: count }, (_, index) => liveKey(index));
/** What is asked for where it does not matter. */
export const order: KeyOrder = { name: "dev-1", workspace: "w1", owner: "u1", expiresAt: undefined };
