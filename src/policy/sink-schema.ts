import { secret } from "./alert-schema.js";
import { list, section, text } from "./fields.js";

/** Secrets must not go over a line that anyone can read; and faults and logs name these URLs. */
const SECRET_URL =
  /^(?!\w+:\/\/[^/?#]*@)(?:https:\/\/[^\s/?#]|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$))[^\s?#]*$/;
const PATH = /^\S(?:.*\S)?$/;
/** Names of Kubernetes' objects. */
const OBJECT = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const SEGMENTS = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;

/** The kinds of places, of which a sink is exactly one. */
export const SINK_KINDS = ["file", "kubernetes", "vault", "command"] as const;

/** A URL that secrets are sent to: https, or http on this host. */
export function secretUrl(missing?: string) {
  const words = {
    expected: "an https URL as text",
    remedy: "write an https URL (http on this host only), without a password, a query or a fragment",
    mayBeSecret: true,
  };
  return text(missing === undefined ? words : { ...words, missing }, SECRET_URL);
}

const kubernetes = section(
  { expected: "a map with namespace, secret and key", remedy: "write { namespace: ai, secret: mistral, key: dev }" },
  {
    namespace: text({ expected: "a namespace's name as text", missing: "name the namespace" }, OBJECT).meta({
      description: "The secret's namespace.",
    }),
    secret: text({ expected: "a secret's name as text", missing: "name the secret" }, OBJECT).meta({
      description: "The secret's name.",
    }),
    key: text({ expected: "a key within the secret as text", missing: "name the key" }, /^[A-Za-z0-9_.-]{1,253}$/).meta(
      {
        description: "The key within the secret.",
      },
    ),
    api_url: secretUrl().optional().meta({ description: "The API server. Absent: that of the pod's own cluster." }),
    account: text({ expected: "a directory's path as text" }, PATH)
      .optional()
      .meta({ description: "A directory with token and ca.crt. Absent: that of the pod's service account." }),
  },
);

const vault = section(
  {
    expected: "a map with url, path and token",
    remedy: "write { url: https://vault:8200, path: mistral/dev, token: { file: PATH } }",
  },
  {
    url: secretUrl("add the URL of the server").meta({ description: "The server, such as https://vault:8200." }),
    mount: text({ expected: "a mount's path as text" }, SEGMENTS)
      .default("secret")
      .meta({ description: "Of a key-value engine, version 2. Default: secret." }),
    path: text({ expected: "a secret's path as text", missing: "add the secret's path" }, SEGMENTS).meta({
      description: "The secret's path below the mount.",
    }),
    field: text({ expected: "a field's name as text" }, /^\S{1,256}$/)
      .default("api_key")
      .meta({ description: "The field that holds the key; the others stay. Default: api_key." }),
    token: secret("say where the token lies").meta({ description: "Where the token to show to it lies." }),
    ca: text({ expected: "a path as text" }, PATH).optional().meta({
      description: "A file with the authority of its certificate, PEM. Absent: those that Node trusts.",
    }),
  },
);

/** Where a key is put: exactly one kind of place, which is checked beside the schema. */
export const sinkSchema = section(
  {
    expected: "a map with file, kubernetes, vault or command",
    missing: "say where its key is put, such as { file: /run/secrets/mistral-dev }",
    remedy: "write { file: /run/secrets/NAME }",
    mayBeSecret: true,
  },
  {
    file: text({ expected: "a path as text", mayBeSecret: true }, PATH)
      .optional()
      .meta({ description: "A file whose content becomes the key." }),
    mode: text(
      { expected: "a mode that gives others nothing as text", remedy: 'write "0600" or "0640", with its quotes' },
      /^0[4-7][0-7]0$/,
    )
      .optional()
      .meta({ description: 'The file\'s permission bits, such as "0640". Absent: as they are, else 0600.' }),
    kubernetes: kubernetes.optional().meta({ description: "A key of a secret in Kubernetes." }),
    vault: vault.optional().meta({ description: "A field of a secret in Vault or OpenBao." }),
    command: list(
      { expected: "a list of a program and its arguments", remedy: "write [PROGRAM, ARGUMENT]" },
      text({ expected: "an argument as text" }, /^[^\0]+$/),
    )
      .min(1, { error: () => "no program\nname one" })
      .optional()
      .meta({ description: "A program that takes the key on its standard input; run without a shell." }),
  },
).meta({ id: "Sink", title: "Sink" });
