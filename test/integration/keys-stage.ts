import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { AdminServer, type AdminServerOptions, type LiveKey } from "../support/mistral/admin-server.js";
import { freePort } from "../support/redis/free-port.js";
import { directory } from "../unit/commands/policy-files.js";
import { NOON, type Ran, runCli } from "../unit/commands/run-cli.js";

const DAY_MS = 86_400_000;

/** The time so many days before every command's. */
export const ago = (days: number) => NOON - days * DAY_MS;

/** Split a table into lines whose columns are two spaces apart. */
export const tableLines = (text: string) => text.split("\n").map((line) => line.replace(/ {2,}/g, "  "));

/** A key that nothing is to be said of. */
export const liveKey = (name: string, words: Partial<LiveKey> = {}): LiveKey => ({
  id: `id-${name}`,
  name,
  secret: `${name}-0123456789-${name}`,
  workspace: "w-dev",
  createdAt: ago(10),
  lastUsed: ago(1),
  ...words,
});

/** The Admin API, a keys file for it, and the command in an environment that names both. */
export async function keysStage(options: AdminServerOptions = {}) {
  const admin = await AdminServer.start({ now: () => NOON, ...options });
  const home = directory();
  const sink = join(home, "mistral-dev");
  const keysFile = join(home, "keys.yaml");
  writeFileSync(
    keysFile,
    `version: 1
mistral:
  dialect: ${options.dialect ?? "admin"}
  url: ${admin.url}
  key: { env: ADMIN_KEY }
  timeout: 2s
upstream:
  dev: { workspace: w-dev, owner: u1, name: dev-team, sink: { file: ${sink} } }
`,
  );
  const env = {
    WINDBREAK_KEYS: keysFile,
    WINDBREAK_ADMIN_SERVER: `127.0.0.1:${await freePort()}`,
    ADMIN_KEY: admin.adminKey,
  };
  const ran: Ran[] = [];
  const keys = async (line: string, words: Readonly<Record<string, string>> = {}) => {
    const one = await runCli(["keys", ...line.split(" ")], { ...env, ...words }, NOON);
    ran.push(one);
    return one;
  };
  /** All that was written so far, wherever. */
  const written = () => ran.map(({ stdout, stderr }) => stdout + stderr).join("");
  return { admin, keys, sink, keysFile, written };
}

/** What a running server answers at its admin port. @returns its address. */
export async function seeing(answer: object | undefined): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? { error: "no such path" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
