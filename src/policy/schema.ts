import type { z } from "zod";
import { ID, MODEL_NAME, NAME, NAME_RULE } from "../domain/names.js";
import { UNBOUNDED, type Unbounded } from "../domain/policy.js";
import { Calendar } from "../domain/window.js";
import { alertSchema, notifySchema, secret } from "./alert-schema.js";
import { duration } from "./duration.js";
import { choice, factor, flag, list, message, named, section, text, whole } from "./fields.js";
import { credentialSchema, trustRules } from "./identity-schema.js";
import { limits } from "./limit-schema.js";
import { endpoints, modelPattern, modelSchema } from "./model-schema.js";
import { didYouMean, suggester } from "./nearest.js";
import { show } from "./show.js";
import { version } from "./version.js";

const DEFAULT_TTL_MS = 900_000;
const DEFAULT_MAX_OUTPUT_TOKENS = 4096;
const DEFAULT_UNBOUNDED: readonly Unbounded[] = ["output"];

const LIMITS = limits(false);
const ROLE_LIMITS = limits(true);

const description = text({ expected: "a description as text" })
  .optional()
  .meta({ description: "For people; decides nothing." });
const endpointList = endpoints().optional().meta({ description: "The endpoints that may be called. Absent: all." });
const priceFactor = factor({ expected: "a number above 0", remedy: "write a number such as 1.1" }).optional();
const defaultCap = whole(1).optional();
const unboundedSchema = list({ expected: "a list", remedy: "write a list such as [output]" }, choice(UNBOUNDED));
const models = list(
  {
    expected: "a list of models",
    missing: 'add models: ["*"] for every model, or list the ones meant',
    remedy: 'write a list such as [mistral-small-latest] or ["*"]',
  },
  modelPattern(),
).meta({ description: 'Ids, aliases or globs of the models that may be used; "*" is every model of the catalogue.' });

const ALLOWING = { onStoreFailure: ["deny", "allow"], unsettled: ["charge", "release"] } as const;

const workspaceSchema = section(
  { expected: "a map that describes a workspace", remedy: 'write { models: ["*"] }' },
  {
    description,
    models,
    endpoints: endpointList,
    limits: LIMITS.optional().meta({ description: "Ceilings on what the whole workspace uses." }),
    upstream_key: secret().optional().meta({ description: "The Mistral key that calls through Envoy are sent with." }),
    on_store_failure: choice(ALLOWING.onStoreFailure).optional().meta({ description: "In place of the policy's." }),
    unsettled: choice(ALLOWING.unsettled).optional().meta({ description: "In place of the policy's." }),
    reservation_ttl: duration().optional().meta({ description: "In place of the policy's." }),
    default_max_output_tokens: defaultCap.meta({ description: "In place of the policy's." }),
    unbounded: unboundedSchema.optional().meta({ description: "In place of the policy's." }),
    price_factor: priceFactor.meta({ description: "In place of the policy's: 1.1 for a regional host." }),
  },
).meta({ id: "Workspace", title: "Workspace" });

const roleSchema = section(
  { expected: "a map that describes a role", remedy: 'write { models: ["*"] }' },
  {
    description,
    models,
    endpoints: endpointList,
    limits: ROLE_LIMITS.optional().meta({ description: "Ceilings on what each principal with the role uses." }),
    default_max_output_tokens: defaultCap.meta({ description: "In place of the policy's." }),
  },
).meta({ id: "Role", title: "Role" });

const principalSchema = section(
  { expected: "a map that describes a principal", remedy: "write { role: NAME, workspace: NAME }" },
  {
    description,
    role: text({ expected: `a role's name as text (${NAME_RULE})`, missing: "name one of the roles" }, NAME).meta({
      description: "Its role: a name under roles.",
    }),
    workspace: text(
      { expected: `a workspace's name as text (${NAME_RULE})`, missing: "name one of the workspaces" },
      NAME,
    ).meta({ description: "Its workspace: a name under workspaces." }),
    models: models.optional().meta({ description: "Narrows the lists of role and workspace; never widens them." }),
    endpoints: endpointList,
    limits: LIMITS.optional().meta({ description: "Ceilings on what this principal uses." }),
    disabled: flag().optional().meta({ description: "true refuses every call." }),
    credentials: list({ expected: "a list of credentials", mayBeSecret: true }, credentialSchema)
      .optional()
      .meta({ description: "How it proves who it is. Any one of them is enough." }),
  },
).meta({ id: "Principal", title: "Principal" });

/** The policy file. What refers to something else in the file is checked beside the schema, so that no fault hides another. */
export const policySchema = section(
  { expected: "a map of keys at the top of the file", remedy: "start the file with `version: 1`" },
  {
    version: version().meta({ const: 1, description: "The version of this file's form: 1." }),
    organization: text({ expected: `a name as text (${NAME_RULE})`, remedy: "choose such a name" }, NAME)
      .default("default")
      .meta({ description: "Whose policy this is. One file is one organization." }),
    timezone: timezone(),
    limits: LIMITS.default({}).meta({ description: "Ceilings on what the whole organization uses." }),
    workspaces: named({ expected: "a map of workspaces by name" }, NAME, workspaceSchema)
      .default({})
      .meta({ description: "Whose money is spent." }),
    roles: named({ expected: "a map of roles by name" }, NAME, roleSchema)
      .default({})
      .meta({ description: "What rules attach to." }),
    principals: named({ expected: "a map of principals by id" }, ID, principalSchema)
      .default({})
      .meta({ description: "Known callers: what they are, and how they prove it." }),
    trust: trustRules()
      .default([])
      .meta({ description: "Callers that are not listed one by one. Tried after the listed ones, in order." }),
    unlisted_principals: choice(["allow", "deny"])
      .default("allow")
      .meta({ description: "Declared callers that the file does not list." }),
    on_store_failure: choice(ALLOWING.onStoreFailure)
      .default("deny")
      .meta({ description: "The answer where the store does not answer in time." }),
    unsettled: choice(ALLOWING.unsettled)
      .default("charge")
      .meta({ description: "A reservation that expires unsettled: charge its estimate, or release it." }),
    reservation_ttl: duration()
      .default(DEFAULT_TTL_MS)
      .meta({
        description: "How long a reservation stays open, at the least: 1s to 24h, such as 90s or 1h30m. Default 15m.",
        examples: ["15m"],
      }),
    default_max_output_tokens: whole(1)
      .default(DEFAULT_MAX_OUTPUT_TOKENS)
      .meta({ description: "The cap on output tokens where a request names none. Default 4096." }),
    unbounded: unboundedSchema.default([...DEFAULT_UNBOUNDED]).meta({
      description:
        "Calls through Envoy that are let through although the request does not bound their cost: output (no max_tokens; default_max_output_tokens are reserved, and Mistral may write more), batch, priority_tier, built_in_tools. Default: output.",
    }),
    price_factor: priceFactor.meta({ description: "Multiplies every price: 1.1 for a regional host." }),
    models: named({ expected: "a map of models by id" }, MODEL_NAME, modelSchema)
      .default({})
      .meta({ description: "Adds to the built-in catalogue of models and prices, or overrides it." }),
    alerts: list({ expected: "a list of alerts" }, alertSchema)
      .default([])
      .meta({ description: "Whom to tell when limits fill up." }),
    notify: named({ expected: "a map of targets by name" }, NAME, notifySchema)
      .default({})
      .meta({ description: "Where alerts go." }),
  },
).meta({ title: "Windbreak policy", description: "Who may call which Mistral models, and up to what ceilings." });

/** A policy file as read: plain data, with defaults filled in, money in nano-USD and spans in milliseconds. */
export type PolicyFile = z.output<typeof policySchema>;

function timezone() {
  return text({ expected: "an IANA time zone as text", remedy: "write a name such as Europe/Paris" })
    .refine(isZone, {
      error: ({ input }) => {
        const near = suggester()(String(input), Intl.supportedValuesOf("timeZone"));
        return message(
          `unknown time zone ${show(String(input))}`,
          didYouMean(near, "write an IANA name such as Europe/Paris"),
        );
      },
    })
    .default("UTC")
    .meta({ description: "IANA name. Days, weeks and months begin by its clock.", examples: ["Europe/Paris"] });
}

function isZone(name: string): boolean {
  // Some runtimes take offsets too, others do not: only names mean the same everywhere.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Calendar(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
