import { z } from "zod";
import { LIMIT_KEYS, type LimitKey, type Metric, type Window } from "../domain/limit.js";
import { reasonOf } from "../domain/reason.js";
import { choice, message, section, usd, type Words, whole, wrongType } from "./fields.js";
import { ONE } from "./number-text.js";
import { describe } from "./show.js";

/** What the file says of one limit. */
export interface LimitRule {
  /** In the metric's unit; nano-USD for usd. */
  readonly ceiling: number;
  readonly shadow: boolean;
  readonly shared: boolean;
  /** undefined: the status of the limit's reason. */
  readonly status: number | undefined;
}

/** The limits of one scope by key; `sharing` lets them say `shared_by`, as a role's may. */
export function limits(sharing: boolean) {
  const schemas = new Map<string, z.ZodType<LimitRule>>();
  const shape: Record<string, z.ZodOptional<z.ZodType<LimitRule>>> = {};
  for (const [key, counted] of LIMIT_KEYS) {
    const kind = { sharing, budget: takesStatus(counted), money: counted.metric === "usd" };
    const id = idOf(kind);
    const schema = schemas.get(id) ?? limit(kind).meta({ id });
    schemas.set(id, schema);
    shape[key] = schema.optional().meta({ description: explain(counted) });
  }
  const words = { expected: "a map of limits", remedy: "write limits such as { requests_per_minute: 60 }" };
  return section(words, shape).meta({ id: sharing ? "RoleLimits" : "Limits", title: "Limits" });
}

/** Whether the policy may choose the HTTP status of this limit's refusal: where it is 402 by default. */
function takesStatus(key: LimitKey): boolean {
  const reason = reasonOf(key);
  return reason === "token_budget_exceeded" || reason === "spend_limit_exceeded";
}

/** Limits of one kind are one schema, so that the JSON Schema says each once. */
interface Kind {
  readonly sharing: boolean;
  readonly budget: boolean;
  readonly money: boolean;
}

function idOf({ sharing, budget, money }: Kind): string {
  return `${sharing ? "Role" : ""}${money ? "Usd" : ""}${budget ? "Budget" : "Rate"}`;
}

function limit(kind: Kind): z.ZodType<LimitRule> {
  const bounds = {
    below: "write 0 to refuse always, or leave the key out for no limit",
    above: "leave the key out for no limit",
  };
  const ceiling = kind.money ? usd(0, bounds) : whole(0, bounds);
  const words = {
    expected: `${kind.money ? "a number of USD" : "a whole number"} or a map with ceiling`,
    remedy: "leave the key out for no limit",
  };
  return z
    .union([ceiling, extended(kind, ceiling, words)], { error: wrongType(words) })
    .transform((written) => ruleOf(typeof written === "number" ? { ceiling: written } : written))
    .meta({ description: "A ceiling, or a map with ceiling that says more. 0 refuses always." });
}

interface Written {
  readonly ceiling: number;
  readonly on_exceed?: "deny" | "shadow" | undefined;
  readonly status?: number | undefined;
  readonly shared_by?: "principal" | "role" | undefined;
}

function ruleOf({ ceiling, on_exceed, status, shared_by }: Written): LimitRule {
  return { ceiling, shadow: on_exceed === "shadow", shared: shared_by === "role", status };
}

function extended(kind: Kind, ceiling: z.ZodType<number>, words: Words): z.ZodType<Written> {
  const shape = {
    ceiling: ceiling.meta({ description: "The most that is let through. 0 refuses always." }),
    on_exceed: choice(["deny", "shadow"]).optional().meta({
      description: "What happens above the ceiling: deny (default), or shadow: count and report, never deny.",
    }),
  };
  const withStatus = { ...shape, status: status().optional() };
  const sharing = {
    shared_by: choice(["principal", "role"]).optional().meta({
      description: "principal (default): each has the whole ceiling. role: all with the role in a workspace share it.",
    }),
  };
  if (kind.sharing)
    return kind.budget ? section(words, { ...withStatus, ...sharing }) : section(words, { ...shape, ...sharing });
  return kind.budget ? section(words, withStatus) : section(words, shape);
}

const STATUSES: ReadonlySet<number> = new Set([402, 403, 429]);

function status() {
  const error = ({ input }: { readonly input?: unknown }) =>
    message(`expected the status 402, 403 or 429, found ${describe(input)}`, "write one of the three, without quotes");
  return z
    .bigint({ error })
    .refine((units) => units % ONE === 0n && STATUSES.has(Number(units / ONE)), { error })
    .transform((units) => Number(units / ONE))
    .meta({ enum: [...STATUSES], description: "The HTTP status that a gateway answers with. Default 402." });
}

const METRIC_WORDS: Readonly<Record<Metric, string>> = {
  requests: "Calls",
  tokens: "Input and output tokens",
  input_tokens: "Input tokens",
  output_tokens: "Output tokens",
  usd: "USD",
  concurrent_requests: "Calls under way",
};

const WINDOW_WORDS: Readonly<Record<Window, string>> = {
  request: "of each call alone",
  second: "in any second (sliding)",
  minute: "in any minute (sliding)",
  hour: "in a clock hour",
  day: "in a calendar day of the policy's time zone",
  week: "in a week from Monday, in the policy's time zone",
  month: "in a calendar month of the policy's time zone",
  in_flight: "at one time",
};

function explain({ metric, window }: LimitKey): string {
  return `${METRIC_WORDS[metric]} ${WINDOW_WORDS[window]}.`;
}
