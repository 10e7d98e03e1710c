import type { Limit, LimitKey, Metric, Window } from "../../domain/limit.js";

/** By their numbers in scripts and records, from 1. These never change: what is stored is read by them. */
const METRICS: readonly Metric[] = [
  "requests",
  "tokens",
  "input_tokens",
  "output_tokens",
  "usd",
  "concurrent_requests",
];
const WINDOWS: readonly Window[] = ["second", "minute", "hour", "day", "week", "month", "in_flight"];
const METRIC_LETTERS = "rtiouc";
const WINDOW_LETTERS = "smhdwMf";

/** Whose counter it is, by number. Those below `role` stand in the organization's shared hash. */
export const SCOPE = { organization: 0, workspace: 1, shared: 2, role: 3, principal: 4 } as const;
export type ScopeCode = (typeof SCOPE)[keyof typeof SCOPE];

export function metricCode(metric: Metric): number {
  return METRICS.indexOf(metric) + 1;
}

export function windowCode(window: Window): number {
  return WINDOWS.indexOf(window) + 1;
}

/** Whose counter a limit reads. */
export function scopeOf(limit: Limit): ScopeCode {
  if (limit.scope === "role") return limit.shared ? SCOPE.shared : SCOPE.role;
  return SCOPE[limit.scope];
}

/** A counter in one byte, as records name it. */
export function counterCode(scope: ScopeCode, { metric, window }: LimitKey): number {
  const kind = window === "in_flight" ? 0 : 6 * (metricCode(metric) - 1) + windowCode(window);
  return 32 * scope + kind;
}

/** The field that a counter has in its hash: `td`, `td dev`, `td dev developer`. Names hold no space. */
export function fieldOf(scope: ScopeCode, { metric, window }: LimitKey, workspace: string, role: string): string {
  const kind = METRIC_LETTERS.charAt(metricCode(metric) - 1) + WINDOW_LETTERS.charAt(windowCode(window) - 1);
  if (scope === SCOPE.workspace) return `${kind} ${workspace}`;
  if (scope === SCOPE.shared || scope === SCOPE.role) return `${kind} ${workspace} ${role}`;
  return kind;
}

/** The role's counter that a field of a principal's hash is; undefined for any other field. */
export function readRoleField(
  field: string,
): { readonly limitKey: string; readonly workspace: string; readonly role: string } | undefined {
  const [kind = "", workspace, role] = field.split(" ");
  const metric = METRICS[METRIC_LETTERS.indexOf(kind.charAt(0))];
  const window = WINDOWS[WINDOW_LETTERS.indexOf(kind.charAt(1))];
  if (kind.length !== 2 || !metric || !window || workspace === undefined || role === undefined) return undefined;
  return { limitKey: window === "in_flight" ? metric : `${metric}_per_${window}`, workspace, role };
}

/** The limit that a record's byte names, as the policy file spells it. */
export function limitNameOf(code: number, names: { workspace: string; role: string; principal: string }): string {
  const scope = Math.floor(code / 32);
  const kind = code % 32;
  const metric = METRICS[kind === 0 ? 5 : Math.floor((kind - 1) / 6)] ?? "";
  const window = WINDOWS[kind === 0 ? 6 : (kind - 1) % 6] ?? "";
  const key = kind === 0 ? metric : `${metric}_per_${window}`;
  if (scope === SCOPE.organization) return `organization.${key}`;
  if (scope === SCOPE.workspace) return `workspaces.${names.workspace}.${key}`;
  if (scope === SCOPE.principal) return `principals.${names.principal}.${key}`;
  return `roles.${names.role}.${key}`;
}
