import { z } from "zod";
import { parseSpan } from "../domain/duration.js";
import { ADMIN_AUTHS, DIALECTS } from "../domain/keys-file.js";
import { NAME } from "../domain/names.js";
import type { Millis } from "../domain/units.js";
import { secret } from "./alert-schema.js";
import { choice, message, named, section, text } from "./fields.js";
import { show } from "./show.js";
import { secretUrl, sinkSchema } from "./sink-schema.js";
import { version } from "./version.js";

const DAY_MS = 86_400_000;
/** Ten years: what is longer is a slip. */
const MOST_MS = 3_650 * DAY_MS;

const adminSchema = section(
  { expected: "a map with key", missing: "add it, with key: { file: PATH }", remedy: "write { key: { file: PATH } }" },
  {
    dialect: choice(DIALECTS).default("admin").meta({
      description:
        "The names of the fields: admin (Mistral's Admin API, the default), or document (POST /v1/api-keys).",
    }),
    url: secretUrl().optional().meta({
      description:
        "What /api-keys stands after. Default: https://api.mistral.ai/v1/admin; for document https://api.mistral.ai/v1.",
    }),
    auth: choice(ADMIN_AUTHS).optional().meta({
      description: "How the admin key is shown. Default: x-api-key; for document bearer.",
    }),
    key: secret("say where the admin key lies, as { file: PATH } or { env: NAME }").meta({
      description: "Where the admin key lies; a workspace's key is none.",
    }),
    api_url: secretUrl()
      .default("https://api.mistral.ai")
      .meta({ description: "Where a new key is tried. Default: https://api.mistral.ai." }),
    timeout: span({ leastMs: 100, mostMs: 300_000, from: "100ms", to: "5m" })
      .default(10_000)
      .meta({ description: "How long one answer may take. Default 10s." }),
  },
).meta({ id: "AdminApi", title: "Admin API" });

const days = () => span({ leastMs: DAY_MS, mostMs: MOST_MS, from: "1d", to: "3650d" });
const wait = () => span({ leastMs: 0, mostMs: 90 * DAY_MS, from: "0s", to: "90d" });

const rotationSchema = section(
  { expected: "a map of spans", remedy: "write { every: 90d }" },
  {
    every: days()
      .default(90 * DAY_MS)
      .meta({ description: "The age from which a key is to be rotated. Default 90d." }),
    propagate: wait()
      .default(60_000)
      .meta({ description: "How long readers are given to take up a new key. Default 1m." }),
    grace: wait()
      .default(DAY_MS)
      .meta({ description: "How long the old key must be unused before it is revoked. Default 24h." }),
  },
).meta({ id: "Rotation", title: "Rotation" });

const auditSchema = section(
  { expected: "a map of spans", remedy: "write { unused: 30d }" },
  {
    unused: days()
      .default(30 * DAY_MS)
      .meta({ description: "How long a key may go without use. Default 30d." }),
    expiring: days()
      .default(14 * DAY_MS)
      .meta({ description: "How long before its end a key is said to expire soon. Default 14d." }),
  },
).meta({ id: "Audit", title: "Audit" });

const mistralId = (whose: string, missing: string) =>
  text({ expected: `Mistral's id of the ${whose} as text`, missing, mayBeSecret: true }, /^[A-Za-z0-9_.-]{1,128}$/);

const upstreamSchema = section(
  {
    expected: "a map that describes a workspace's key",
    remedy: "write { workspace: ID, owner: ID, sink: { file: PATH } }",
  },
  {
    workspace: mistralId("workspace", "add it: Mistral's console shows it").meta({
      description: "Mistral's id of the workspace.",
    }),
    owner: mistralId("user", "add it").optional().meta({
      description: "Mistral's id of the user whose key a new one is. The dialect admin asks for it.",
    }),
    name: text(
      { expected: "a name of letters, digits, space, ., _ and -, at most 128 as text" },
      /^[\w.-](?:[\w. -]{0,126}[\w.-])?$/,
    )
      .optional()
      .meta({ description: "What the names of its keys begin with. Default: the workspace's name." }),
    sink: sinkSchema.meta({ description: "Where its key is put: file, kubernetes, vault or command." }),
  },
).meta({ id: "UpstreamKey", title: "Upstream key" });

/** The keys file. What hangs together in it is checked beside the schema, so that no fault hides another. */
export const keysSchema = section(
  { expected: "a map of keys at the top of the file", remedy: "start the file with `version: 1`" },
  {
    version: version().meta({ const: 1, description: "The version of this file's form: 1." }),
    mistral: adminSchema.meta({ description: "Where Mistral's keys are listed, made and revoked." }),
    rotation: rotationSchema.prefault({}).meta({ description: "How keys are replaced." }),
    audit: auditSchema.prefault({}).meta({ description: "What an audit finds." }),
    upstream: named({ expected: "a map of keys by workspace" }, NAME, upstreamSchema)
      .default({})
      .meta({ description: "The Mistral keys, by the policy's name of the workspace." }),
  },
).meta({ title: "Windbreak keys file", description: "Where Mistral's keys are made, kept and put." });

/** A keys file as read: plain data, with spans in milliseconds. */
export type KeysData = z.output<typeof keysSchema>;

interface Range {
  readonly leastMs: Millis;
  readonly mostMs: Millis;
  /** The two as they are written. */
  readonly from: string;
  readonly to: string;
}

/** A span that may be counted in days, as milliseconds. */
function span({ leastMs, mostMs, from, to }: Range) {
  const remedy = `write days, hours, minutes and seconds such as 90d, 36h or 90s, from ${from} to ${to}`;
  return text({ expected: "a span such as 90d", remedy })
    .meta({ pattern: "^(?=\\d)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$" })
    .transform((written, check): Millis => {
      const ms = parseSpan(written);
      if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms;
      check.addIssue({ code: "custom", message: message(`${show(written)} is no span from ${from} to ${to}`, remedy) });
      return z.NEVER;
    });
}
