import type { AdminApi, Dialect, KeysFile, SinkPlace } from "../domain/keys-file.js";
import { compileSecret } from "./compile-secret.js";
import type { KeysData } from "./keys-schema.js";

type AdminData = KeysData["mistral"];
type SinkData = KeysData["upstream"][string]["sink"];

const DEFAULTS: Readonly<Record<Dialect, Pick<AdminApi, "url" | "auth">>> = {
  admin: { url: "https://api.mistral.ai/v1/admin", auth: "x-api-key" },
  document: { url: "https://api.mistral.ai/v1", auth: "bearer" },
};

/** Compile a keys file that was checked. @throws Error for what no check lets through. */
export function compileKeys({ mistral, rotation, audit, upstream }: KeysData): KeysFile {
  return Object.freeze({
    admin: compileAdmin(mistral),
    rotation: Object.freeze({
      everyMs: rotation.every,
      propagateMs: rotation.propagate,
      graceMs: rotation.grace,
    }),
    audit: Object.freeze({ unusedMs: audit.unused, expiringMs: audit.expiring }),
    upstream: new Map(
      Object.entries(upstream).map(([workspace, entry]) => [
        workspace,
        Object.freeze({
          workspace: entry.workspace,
          owner: entry.owner,
          name: entry.name ?? workspace,
          sink: compileSink(entry.sink),
        }),
      ]),
    ),
  });
}

function compileAdmin({ dialect, url, auth, key, api_url, timeout }: AdminData): AdminApi {
  return Object.freeze({
    dialect,
    url: withoutSlash(url ?? DEFAULTS[dialect].url),
    auth: auth ?? DEFAULTS[dialect].auth,
    key: compileSecret(key),
    apiUrl: withoutSlash(api_url),
    timeoutMs: timeout,
  });
}

function compileSink({ file, mode, kubernetes, vault, command }: SinkData): SinkPlace {
  if (file !== undefined) return { kind: "file", path: file, mode: mode === undefined ? undefined : parseInt(mode, 8) };
  if (kubernetes) {
    const { namespace, secret, key, api_url, account } = kubernetes;
    const apiUrl = api_url === undefined ? undefined : withoutSlash(api_url);
    return { kind: "kubernetes", namespace, secret, key, apiUrl, account };
  }
  if (vault) {
    const { url, mount, path, field, token, ca } = vault;
    return { kind: "vault", url: withoutSlash(url), mount, path, field, token: compileSecret(token), ca };
  }
  const [program, ...rest] = command ?? [];
  if (program === undefined) throw new Error("a sink is a file, a secret in Kubernetes or Vault, or a command");
  return { kind: "command", argv: [program, ...rest] };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
