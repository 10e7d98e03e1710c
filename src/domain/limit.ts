/** What a limit counts. */
export const METRICS = ["requests", "tokens", "input_tokens", "output_tokens", "usd"] as const;
export type Metric = (typeof METRICS)[number] | "concurrent_requests";

/** The windows that a policy key can name, shortest first. */
export const WINDOWS = ["request", "second", "minute", "hour", "day", "week", "month"] as const;
export type Window = (typeof WINDOWS)[number] | "in_flight";

/** Windows that begin and end with the calendar of the policy's time zone. */
export type CalendarWindow = "hour" | "day" | "week" | "month";

/** What a limit hangs on, in the order in which limits are read and ties are broken. */
export const SCOPES = ["organization", "workspace", "role", "principal"] as const;
export type Scope = (typeof SCOPES)[number];

/** A ceiling on a metric in a window, as one scope of the policy states it. */
export interface Limit {
  /** As the policy file spells it: `workspaces.dev.requests_per_minute`. */
  readonly name: string;
  /** `requests_per_minute`, `concurrent_requests`. */
  readonly key: string;
  readonly scope: Scope;
  readonly metric: Metric;
  readonly window: Window;
  /** In the metric's unit; nano-USD for `usd`. 0 refuses always. */
  readonly ceiling: number;
  /** Counts and reports, never denies. */
  readonly shadow: boolean;
  /** A role's limit that all its principals in a workspace share. */
  readonly shared: boolean;
  /** What an HTTP gateway answers when this limit refuses. */
  readonly httpStatus: number;
}

/** A limit that needs no counter: its ceiling holds for each request alone. */
export function isPerRequest(limit: Limit): boolean {
  return limit.window === "request";
}

/** What a key of a `limits` map says. */
export interface LimitKey {
  readonly metric: Metric;
  readonly window: Window;
}

/** Every key that a `limits` map may hold. `requests_per_request` is none: it would always be 1. */
export const LIMIT_KEYS: ReadonlyMap<string, LimitKey> = new Map<string, LimitKey>([
  ...METRICS.flatMap((metric) =>
    WINDOWS.filter((window) => !(metric === "requests" && window === "request")).map((window): [string, LimitKey] => [
      `${metric}_per_${window}`,
      { metric, window },
    ]),
  ),
  ["concurrent_requests", { metric: "concurrent_requests", window: "in_flight" }],
]);
