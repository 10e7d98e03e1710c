import { describe, expect, test } from "vitest";
import { z } from "zod";
import { formatFault } from "../../../src/policy/faults.js";
import { keysJsonSchema } from "../../../src/policy/json-schema.js";
import { keysSchema } from "../../../src/policy/keys-schema.js";
import { type KeysFileRead, readKeys } from "../../../src/policy/read-keys.js";

const DAY_MS = 86_400_000;

function read(text: string, workspaces?: readonly string[]): KeysFileRead {
  return readKeys(new TextEncoder().encode(text), "k", workspaces && new Set(workspaces));
}

/** The lines of a keys file's faults, under the file name `k`; none where it is sound. */
function faults(text: string, workspaces?: readonly string[]): readonly string[] {
  const result = read(text, workspaces);
  return result.kind === "faulty" ? result.faults.map(formatFault) : [];
}

const HEAD = "version: 1\nmistral: { key: { env: ADMIN } }\n";
const entry = (sink: string) => `${HEAD}upstream: { dev: { workspace: w1, owner: u1, sink: ${sink} } }\n`;

describe("a keys file", () => {
  test("that says the least has every default", () => {
    const result = read(HEAD);
    expect(result).toEqual({
      kind: "ok",
      keys: {
        admin: {
          dialect: "admin",
          url: "https://api.mistral.ai/v1/admin",
          auth: "x-api-key",
          key: { kind: "env", name: "ADMIN" },
          apiUrl: "https://api.mistral.ai",
          timeoutMs: 10_000,
        },
        rotation: { everyMs: 90 * DAY_MS, propagateMs: 60_000, graceMs: DAY_MS },
        audit: { unusedMs: 30 * DAY_MS, expiringMs: 14 * DAY_MS },
        upstream: new Map(),
      },
    });
  });

  test("that says the most is read with its values", () => {
    const result = read(
      `version: 1
mistral:
  dialect: document
  url: http://127.0.0.1:8080/v1/
  auth: x-api-key
  key: { file: /run/secrets/mistral-admin }
  api_url: https://eu.mistral.example/
  timeout: 2s
rotation: { every: 45d, propagate: 90s, grace: 1d12h }
audit: { unused: 7d, expiring: 3d }
upstream:
  dev: { workspace: w1, sink: { file: /run/secrets/dev, mode: "0640" } }
  ml: { workspace: w2, owner: u2, name: ml-team, sink: { kubernetes: { namespace: ai, secret: mistral, key: ml } } }
  prod: { workspace: w3, sink: { vault: { url: https://vault:8200/, path: mistral/prod, token: { env: VAULT }, ca: /etc/vault/ca.crt } } }
  ops: { workspace: w4, sink: { command: [put-secret, ops] } }
`,
      ["dev", "ml", "prod", "ops"],
    );
    expect(result.kind === "ok" && result.keys).toMatchObject({
      admin: { dialect: "document", url: "http://127.0.0.1:8080/v1", auth: "x-api-key", timeoutMs: 2_000 },
      rotation: { everyMs: 45 * DAY_MS, propagateMs: 90_000, graceMs: 1.5 * DAY_MS },
      audit: { unusedMs: 7 * DAY_MS, expiringMs: 3 * DAY_MS },
    });
    expect(result.kind === "ok" && [...result.keys.upstream]).toEqual([
      [
        "dev",
        {
          workspace: "w1",
          owner: undefined,
          name: "dev",
          sink: { kind: "file", path: "/run/secrets/dev", mode: 0o640 },
        },
      ],
      [
        "ml",
        {
          workspace: "w2",
          owner: "u2",
          name: "ml-team",
          sink: {
            kind: "kubernetes",
            namespace: "ai",
            secret: "mistral",
            key: "ml",
            apiUrl: undefined,
            account: undefined,
          },
        },
      ],
      [
        "prod",
        {
          workspace: "w3",
          owner: undefined,
          name: "prod",
          sink: {
            kind: "vault",
            url: "https://vault:8200",
            mount: "secret",
            path: "mistral/prod",
            field: "api_key",
            token: { kind: "env", name: "VAULT" },
            ca: "/etc/vault/ca.crt",
          },
        },
      ],
      [
        "ops",
        { workspace: "w4", owner: undefined, name: "ops", sink: { kind: "command", argv: ["put-secret", "ops"] } },
      ],
    ]);
  });

  test("tells all faults at once, each with its place and what to do", () => {
    const text = `version: 1
mistral:
  key: { file: /a, env: B }
  timout: 3s
rotation: { every: 90, grace: 91d }
upstream:
  dev:
    workspace: w1
    sink: { file: /run/x, mode: 0640 }
  prd: { workspace: w2, owner: u2, sink: { file: /run/x } }
`;
    expect(faults(text, ["dev", "prod"])).toEqual([
      "k:3:20: mistral.key.env: file and env in one; keep one of the two",
      "k:4:3: mistral.timout: unknown key; did you mean timeout?",
      "k:5:20: rotation.every: expected a span such as 90d, found the number 90; write days, hours, minutes and seconds such as 90d, 36h or 90s, from 1d to 3650d",
      'k:5:31: rotation.grace: "91d" is no span from 0s to 90d; write days, hours, minutes and seconds such as 90d, 36h or 90s, from 0s to 90d',
      "k:7:3: upstream.dev.owner: missing; add Mistral's id of the user whose key it is: the dialect admin makes keys for one",
      "k:9:33: upstream.dev.sink.mode: expected a mode that gives others nothing as text, found the number 640; quote it",
      'k:10:3: upstream.prd: the policy has no workspace "prd"; did you mean prod?',
      "k:10:42: upstream.prd.sink: upstream.dev is put there too; give each a place of its own",
    ]);
  });

  test.each([
    ["nothing of Mistral's", "version: 1", "k:1:1: mistral: missing; add it, with key: { file: PATH }"],
    ["a sink that is no place", entry("{}"), "upstream.dev.sink: an empty map; write one of file, kubernetes, vault"],
    ["a sink of two places", entry("{ file: /a, command: [b] }"), "sink.command: file and command in one; keep one"],
    ["a mode of nothing", entry('{ command: [b], mode: "0600" }'), "sink.mode: mode without file; remove it"],
    ["a file that all may read", entry('{ file: /a, mode: "0644" }'), '"0644" is not a mode that gives others nothing'],
    ["a command of no program", entry("{ command: [] }"), "sink.command: no program; name one"],
    [
      "an address that anyone on the way can read",
      entry("{ vault: { url: 'http://vault:8200', path: a, token: { env: T } } }"),
      "vault.url: a text that is not shown is not an https URL; write an https URL (http on this host only)",
    ],
    [
      "an address that only looks like one of this machine",
      entry("{ vault: { url: 'http://localhost:8200@vault', path: a, token: { env: T } } }"),
      "vault.url: a text that is not shown is not an https URL; write an https URL (http on this host only)",
    ],
    [
      "a token of two places",
      entry("{ vault: { url: 'https://v', path: a, token: { env: T, file: /t } } }"),
      "vault.token.file: env and file in one",
    ],
    ["a name that no workspace has", `${HEAD}upstream: { "a b": {} }`, '"a b" cannot be the name of a workspace; use'],
  ])("with %s is at fault", (_, text, fault) => {
    expect(faults(text).join("\n")).toContain(fault);
  });

  test("is never shown where a secret may stand by mistake", () => {
    const secret = "tK9fQ2xW8mN4vB7c";
    const places = [
      `version: 1\nmistral: { key: ${secret} }`,
      `version: 1\nmistral: { key: { env: "${secret} x" } }`,
      `version: 1\nmistral: { url: "https://a:${secret}@b", key: { env: A } }`,
      `${HEAD}upstream: { dev: { workspace: "${secret}!", sink: ${secret} } }`,
      entry(`{ vault: { url: 'https://v', path: a, token: ${secret} } }`),
    ];
    for (const text of places) {
      expect(faults(text).length).toBeGreaterThan(0);
      expect(faults(text).join("\n")).not.toContain(secret);
    }
  });

  test("has a JSON Schema that names and explains every key, and accepts what is sound", () => {
    const schema = keysJsonSchema();
    expect(Object.keys(Object(schema).properties)).toEqual(Object.keys(keysSchema.shape));
    const accepts = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema);
    const sound = {
      version: 1,
      mistral: { key: { env: "A" } },
      upstream: { dev: { workspace: "w", sink: { file: "/a" } } },
    };
    expect(accepts.safeParse(sound).success).toBe(true);
    expect(accepts.safeParse({ ...sound, rotation: { every: "90" } }).success).toBe(false);
  });
});
