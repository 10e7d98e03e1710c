import { z } from "zod";
import { parseDuration } from "../domain/duration.js";
import { ENDPOINTS } from "../domain/model.js";
import { REASONS } from "../domain/reason.js";
import { amount, choice, flag, list, message, named, section, text, usd, whole, wrongType } from "./fields.js";
import { SPIFFE_ID } from "./identity-schema.js";
import { policySchema } from "./schema.js";
import { claims, instant, something, wait } from "./suite-fields.js";

/** The time of a case that says none: so that a suite comes to the same on every day. */
const DEFAULT_AT = "2026-01-01T12:00:00Z";
const MOST_STEPS = 1_000;

const NAME_OF_LIMIT = {
  expected: "a limit's name as text",
  remedy: "write a name such as workspaces.dev.usd_per_month",
};
const id = (what: string) => text({ expected: `${what} as text` }, /\S/);

const usage = {
  input_tokens: whole(0).optional().meta({ description: "Input tokens." }),
  pages: whole(0).optional().meta({ description: "Pages, for ocr." }),
  audio_seconds: whole(0).optional().meta({ description: "Seconds of audio, for audio_transcriptions." }),
  annotated_pages: flag().optional().meta({ description: "The pages are annotated, which costs more." }),
};

const requestSchema = section(
  {
    expected: "a request as a map",
    missing: "write what is asked",
    remedy: "write { principal: ada, model: mistral-small-latest }",
  },
  {
    principal: id("a principal's id").optional().meta({ description: "Who calls." }),
    role: id("a role's name").optional().meta({ description: "Its role; a listed principal needs none." }),
    workspace: id("a workspace's name")
      .optional()
      .meta({ description: "Its workspace; a listed principal needs none." }),
    spiffe: text({ expected: "a SPIFFE id as text", remedy: "write spiffe://trust-domain/path" }, SPIFFE_ID)
      .optional()
      .meta({ description: "The SPIFFE id that proves the caller, in place of its word." }),
    claims: claims()
      .optional()
      .meta({ description: "The claims of the token that proves the caller, in place of its word." }),
    model: id("a model's id or alias").optional().meta({ description: "A model's id or alias." }),
    endpoint: choice(ENDPOINTS).optional().meta({ description: "Absent: the model's first one." }),
    max_output_tokens: whole(0).optional().meta({ description: "Absent or 0: what the limits leave." }),
    ...usage,
    request_id: id("a request's id").optional().meta({ description: "Names the call: asked again, the same answer." }),
  },
).meta({ id: "Request", title: "Request" });

const remaining = named(
  { expected: "a map of amounts by a limit's name", remedy: "write { workspaces.dev.usd_per_month: 12.5 }" },
  /^/,
  amount(),
)
  .optional()
  .meta({ description: "What is left afterwards, by the limit's name; USD for money." });
const costUsd = usd(0).optional();
const faultCode = choice(["INVALID_ARGUMENT", "ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND"])
  .optional()
  .meta({ description: "The gRPC status, where there is no decision." });

const [firstReason, ...otherReasons] = REASONS.map((reason) => reason.toUpperCase());

const expectSchema = something(
  section(
    { expected: "what is expected, as a map", remedy: "write { decision: allow }" },
    {
      decision: choice(["allow", "deny"]).optional().meta({ description: "allow or deny." }),
      reason: choice([firstReason ?? "", ...otherReasons])
        .optional()
        .meta({ description: "Why, such as MODEL_NOT_ALLOWED." }),
      limit: text(NAME_OF_LIMIT, /\S/)
        .optional()
        .meta({ description: "The limit that decides: the one that frees last." }),
      limits: list({ expected: "a list of limits' names" }, text(NAME_OF_LIMIT, /\S/))
        .optional()
        .meta({ description: "Every limit that refuses, the one that decides first." }),
      shadow_denials: list({ expected: "a list of limits' names" }, text(NAME_OF_LIMIT, /\S/))
        .optional()
        .meta({ description: "Limits in shadow that would have refused." }),
      message: text({ expected: "a part of the message as text" }, /\S/)
        .optional()
        .meta({ description: "A part of the message." }),
      http_status: whole(100).optional().meta({ description: "What an HTTP gateway answers." }),
      model: id("a model's id").optional().meta({ description: "The dated model." }),
      max_output_tokens: whole(0).optional().meta({ description: "The cap that the caller must send." }),
      cost_usd: costUsd.meta({ description: "What is reserved at the most, or was charged, in USD." }),
      retry_after: text(
        { expected: "none, or a duration such as 58s", remedy: "write none, or a duration such as 58s or 1h30m" },
        /^(?:none|(?=\d)(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?)$/,
      )
        .transform((written) => (written === "none" ? "none" : (parseDuration(written) ?? 0)))
        .optional()
        .meta({ description: "When it would pass by time alone; none: waiting does not help." }),
      remaining,
      fault: faultCode,
    },
  ),
).meta({ id: "Expectation", title: "Expectation" });

const settleSchema = section(
  { expected: "what a call used, as a map", remedy: "write { input_tokens: 800, output_tokens: 200 }" },
  {
    of: id("a request_id")
      .optional()
      .meta({ description: "The request_id of the call. Absent: the last one that was allowed and is not settled." }),
    ...usage,
    cached_input_tokens: whole(0).optional().meta({ description: "Input tokens found in the cache." }),
    output_tokens: whole(0).optional().meta({ description: "Output tokens." }),
    outcome: choice(["succeeded", "failed", "cancelled"]).optional().meta({ description: "How the call ended." }),
  },
).meta({ id: "Settlement", title: "Settlement" });

const stepSchema = section(
  { expected: "a step as a map", remedy: "write request, settle or wait" },
  {
    request: requestSchema.optional().meta({ description: "Ask Authorize." }),
    times: whole(1).optional().meta({ description: "Ask so many times; each must come to what is expected." }),
    settle: settleSchema.optional().meta({ description: "Report what a call used." }),
    expect: expectSchema.optional().meta({
      description: "What must come of it. Absent: the request is allowed. Of a settlement: cost_usd, remaining, fault.",
    }),
    wait: wait().optional().meta({ description: "Let time pass." }),
  },
).meta({ id: "Step", title: "Step" });

const given = named(
  { expected: "a map of what is used, by a limit's name", remedy: "write { workspaces.dev.usd_per_month: 49.5 }" },
  /^/,
  z
    .union(
      [
        amount(),
        section(
          { expected: "a number or a map with used", remedy: "write { used: 100, principal: ada, workspace: dev }" },
          {
            used: amount().meta({ description: "What is used." }),
            principal: id("a principal's id").optional().meta({ description: "Whose." }),
            workspace: id("a workspace's name").optional().meta({ description: "In which workspace." }),
          },
        ),
      ],
      { error: wrongType({ expected: "a number or a map with used" }) },
    )
    .transform((written) => (typeof written === "bigint" ? { used: written } : written)),
);

const caseSchema = section(
  { expected: "a case as a map", remedy: "write { name: …, request: …, expect: … }" },
  {
    name: text({ expected: "a name as text", missing: "say what the case shows" }, /^\S(?:.*\S)?$/).meta({
      description: "What the case shows, as a sentence.",
    }),
    at: instant().optional().meta({ description: "The time, in place of the suite's." }),
    given: given.optional().meta({
      description:
        "What is used before, by the limit's name; USD for money, calls under way for concurrent_requests. A role's limit is meant of the first request's caller, unless principal and workspace say whose.",
    }),
    request: requestSchema.optional().meta({ description: "What is asked." }),
    expect: expectSchema.optional().meta({ description: "What must come of it." }),
    steps: list({ expected: "a list of steps" }, stepSchema)
      .max(MOST_STEPS, { error: () => message(`more than ${MOST_STEPS} steps`, "use times, or make it several cases") })
      .optional()
      .meta({ description: "In place of request and expect: what happens one after another." }),
  },
).meta({ id: "Case", title: "Case" });

export type SuiteCase = z.output<typeof caseSchema>;
export type SuiteStep = z.output<typeof stepSchema>;
export type SuiteRequest = z.output<typeof requestSchema>;
export type SuiteSettlement = z.output<typeof settleSchema>;
export type Expectation = z.output<typeof expectSchema>;

/** A suite of cases for one policy. What refers to something else is checked beside the schema. */
export const suiteSchema = section(
  { expected: "a map of keys at the top of the file", remedy: "start the file with `policy: policy.yaml`" },
  {
    policy: z
      .union(
        [
          text(
            { expected: "the policy's path as text", remedy: "write its path, or the policy itself as a map" },
            /^\S(?:.*\S)?$/,
          ),
          policySchema,
        ],
        {
          error: wrongType({
            expected: "the policy's path as text, or the policy as a map",
            missing: "add `policy: policy.yaml`, from where this file lies",
          }),
        },
      )
      .meta({ description: "The policy's path, from where this file lies; or the policy itself." }),
    at: instant()
      .prefault(DEFAULT_AT)
      .meta({ description: `The time of the cases that say none. Default ${DEFAULT_AT}.` }),
    defaults: section(
      { expected: "a map with request", remedy: "write { request: { principal: ada } }" },
      { request: requestSchema.optional().meta({ description: "What each request says unless it says otherwise." }) },
    )
      .optional()
      .meta({ description: "What requests say unless they say otherwise." }),
    cases: list({ expected: "a list of cases", missing: "add the cases" }, caseSchema)
      .min(1, { error: () => message("no case", "add one: a suite without any proves nothing") })
      .meta({ description: "Each begins on counters that only its `given` has touched." }),
  },
).meta({ title: "Windbreak policy suite", description: "What a policy must come to." });

export type SuiteFile = z.output<typeof suiteSchema>;
