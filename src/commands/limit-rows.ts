import { z } from "zod";
import type { EpochMs } from "../domain/units.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";
import { type LimitStatus, Metric, Window } from "../gen/windbreak/v1/policy_decision.js";
import type { LimitRow } from "./limit-table.js";

/** Take limits from an answer of the service. */
export function rowsOf(limits: readonly LimitStatus[]): readonly LimitRow[] {
  return limits.map((limit) => ({
    ...limit,
    of: limit.scopeId,
    isMoney: limit.metric === Metric.METRIC_NANO_USD,
    counts: countsOf(limit.window),
    resetsAt: limit.resetsAt && instantOf(limit.resetsAt),
  }));
}

/** An instant as protobuf writes it, in milliseconds. */
export function instantOf({ seconds, nanos }: Timestamp): EpochMs {
  return seconds * 1000 + nanos / 1e6;
}

function countsOf(window: Window): LimitRow["counts"] {
  if (window === Window.WINDOW_REQUEST) return "each request";
  return window === Window.WINDOW_IN_FLIGHT ? "in flight" : "in a window";
}

const int64 = z.string().regex(/^\d+$/).transform(Number);

/** One limit as the admin port writes it. */
const limitSchema = z
  .object({
    name: z.string(),
    metric: z.string(),
    window: z.string(),
    ceiling: int64,
    used: int64,
    reserved: int64,
    remaining: int64,
    resets_at: z.iso.datetime().optional(),
    scope_id: z.string(),
    shadow: z.boolean(),
    workspace: z.string(),
    principal: z.string(),
  })
  .transform(
    (limit): LimitRow => ({
      ...limit,
      of: isOneOfMany(limit) ? `${limit.principal} in ${limit.workspace}` : limit.scope_id,
      isMoney: limit.metric === "METRIC_NANO_USD",
      counts: countsOf(limit.window === "WINDOW_IN_FLIGHT" ? Window.WINDOW_IN_FLIGHT : Window.WINDOW_DAY),
      resetsAt: limit.resets_at === undefined ? undefined : Date.parse(limit.resets_at),
    }),
  );

/** A role's limit that each principal has a counter of, in each workspace. */
function isOneOfMany({ name, principal }: { readonly name: string; readonly principal: string }): boolean {
  return name.startsWith("roles.") && principal !== "";
}

const pageSchema = z.object({
  policy_revision: z.string(),
  limits: z.array(z.record(z.string(), z.unknown())),
  next: z.string().optional(),
});

/** One page of `/v1/limits`. */
export interface LimitsPage {
  readonly policyRevision: string;
  /** As they came. */
  readonly limits: readonly object[];
  readonly rows: readonly LimitRow[];
  /** undefined: this is the last one. */
  readonly next: string | undefined;
}

/** Read a page of `/v1/limits`; undefined where it is none. */
export function readLimitsPage(body: unknown): LimitsPage | undefined {
  const page = pageSchema.safeParse(body);
  const rows = z.array(limitSchema).safeParse(page.data?.limits);
  if (!page.success || !rows.success) return undefined;
  const { policy_revision: policyRevision, limits, next } = page.data;
  return { policyRevision, limits, rows: rows.data, next };
}
