import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { ENDPOINTS } from "../../src/domain/model.js";

/*
 * The form of a golden case: a policy, and what happens under it, step by step.
 *
 * A step says at what time it is (an instant, or `+90s` after the step before; left out: the same time), what is done,
 * and what must come of it. Requests and answers bear the names of the proto; an expectation names only what matters to
 * the case. Money is written `$0.0003`, an enum as `RATE_LIMITED`, a span as `1h30m`, and `none` where there is none.
 */

const principal = z.union([
  z.string().transform((id) => ({ id, role: "", workspace: "" })),
  z.strictObject({ id: z.string(), role: z.string().default(""), workspace: z.string().default("") }),
]);
const endpoint = z.enum(ENDPOINTS);
const count = z.int().min(0);

const question = z.strictObject({
  request_id: z.string().default(""),
  principal,
  model: z.string(),
  endpoint: endpoint.optional(),
  input_tokens: count.default(0),
  max_output_tokens: count.default(0),
  pages: count.default(0),
  audio_seconds: count.default(0),
  annotated_pages: z.boolean().default(false),
  labels: z.record(z.string(), z.string()).default({}),
  dry_run: z.boolean().default(false),
  include_limits: z.boolean().default(false),
});

const report = z.strictObject({
  /** The request_id of the call that reserved, whose reservation_id is meant. */
  reservation_of: z.string().optional(),
  request_id: z.string().default(""),
  principal,
  model: z.string().default(""),
  endpoint: endpoint.optional(),
  usage: z
    .strictObject({
      input_tokens: count.default(0),
      cached_input_tokens: count.default(0),
      output_tokens: count.default(0),
      pages: count.default(0),
      audio_seconds: count.default(0),
      annotated_pages: z.boolean().default(false),
    })
    .optional(),
  outcome: z.enum(["succeeded", "failed", "cancelled"]).default("succeeded"),
  include_limits: z.boolean().default(false),
});

const budgetQuestion = z.strictObject({ principal, model: z.string().default("") });

const fault = z.strictObject({ code: z.string(), message: z.string() }).partial();
const amount = z.union([count, z.string().regex(/^\$\d+\.\d{2,9}$/)]);

const decision = z
  .strictObject({
    allowed: z.boolean(),
    reason: z.string(),
    message: z.string(),
    http_status: z.int(),
    model: z.string(),
    max_output_tokens: count,
    cost: amount,
    reservation_id: z.literal("none"),
    reservation_expires_at: z.string(),
    /** Names, in the answer's order. */
    limits: z.array(z.string()),
    retry_after: z.string(),
    shadow_denials: z.array(z.string()),
    degraded: z.boolean(),
    fault,
  })
  .partial();

const receipt = z
  .strictObject({
    cost: amount,
    already_recorded: z.boolean(),
    unreserved: z.boolean(),
    /** Names, in the answer's order. */
    limits: z.array(z.string()),
    fault,
  })
  .partial();

const limit = z
  .strictObject({
    ceiling: amount,
    used: amount,
    reserved: amount,
    remaining: amount,
    resets_at: z.string(),
    scope_id: z.string(),
    shadow: z.boolean(),
  })
  .partial();

const budget = z
  .strictObject({
    principal: z.strictObject({ id: z.string(), role: z.string(), workspace: z.string() }),
    /** Names, in the answer's order. */
    order: z.array(z.string()),
    limits: z.record(z.string(), limit),
    allowed_models: z.array(z.string()),
    model: z.strictObject({ id: z.string(), reason: z.string(), input: amount, output: amount }).partial(),
    fault,
  })
  .partial();

/** What every step may have; `log`: the line of the decision log that it leaves, as far as it matters. */
const step = {
  at: z.string().optional(),
  says: z.string().optional(),
  times: z.int().min(1).default(1),
  log: z.union([z.literal("none"), something(z.record(z.string(), z.unknown()))]).optional(),
};

const steps = z.union([
  z.strictObject({ ...step, authorize: question, expect: something(decision) }),
  z.strictObject({ ...step, record_usage: report, expect: something(receipt) }),
  z.strictObject({ ...step, check_budget: budgetQuestion, expect: something(budget) }),
  /** The operator gives back what this call reserved. */
  z.strictObject({ ...step, release: z.string(), expect: z.enum(["released", "not_open"]) }),
  z.strictObject({ ...step, reload: z.string() }),
  z.strictObject({ ...step, store: z.enum(["away", "back"]) }),
]);

/** One step, checked. */
export type Step = z.output<typeof steps>;
export type Question = z.output<typeof question>;
export type Report = z.output<typeof report>;

/** One file, checked. */
export interface GoldenCase {
  readonly about: string;
  readonly policy: string;
  readonly steps: readonly Step[];
}

/** An expectation of nothing could not fail. */
function something<Shape extends z.ZodType<object>>(expectation: Shape): Shape {
  return expectation.refine((expected) => Object.keys(expected).length > 0, "expects nothing");
}

const file = z.strictObject({
  about: z.string(),
  policy: z.string(),
  /** What each authorize, record_usage and check_budget says unless it says otherwise. */
  defaults: z
    .strictObject({
      authorize: z.record(z.string(), z.unknown()).optional(),
      record_usage: z.record(z.string(), z.unknown()).optional(),
      check_budget: z.record(z.string(), z.unknown()).optional(),
    })
    .default({}),
  steps: z.array(z.record(z.string(), z.unknown())).min(1),
});

/** Read a golden case. @throws where its form is not the one above: an expectation that nobody reads could not fail. */
export function readCase(path: string): GoldenCase {
  const { defaults, ...read } = file.parse(parse(readFileSync(path, "utf8"), { strict: true }));
  const filled = read.steps.map((said) => ({ ...said, ...withDefaults(said, defaults) }));
  return { ...read, steps: z.array(steps).parse(filled) };
}

type Defaults = z.output<typeof file>["defaults"];

function withDefaults(said: Readonly<Record<string, unknown>>, defaults: Defaults): Readonly<Record<string, unknown>> {
  const filled = Object.entries(defaults).filter(([action]) => action in said);
  return Object.fromEntries(filled.map(([action, values]) => [action, { ...values, ...Object(said[action]) }]));
}
